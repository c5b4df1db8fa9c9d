//! The controller's state machine: Services and configuration in, status
//! writes and news out. Pure: no clock, no client, no await.
//!
//! It chooses only while it leads, has seen a complete list of Services made
//! after it began to lead, and has a good configuration. Before the first
//! choice it claims every address that any status shows. An address is free
//! for others only when no status shows it any more, as far as the API server
//! has confirmed.

mod action;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ferrolb_core::config::Config;

use crate::allocator::{Allocator, Usage};
use crate::decide::{decide, replay};
use crate::service::{ServiceKey, ServiceView};
use entry::Entry;

pub use action::{Action, FaultyConfig, Notice, Seen, StatusWrite, Told, Written};

/// The state of one controller.
#[derive(Debug, Default)]
pub struct Reconciler {
    class: Option<String>,
    leading: bool,
    services_listed: bool,
    config_listed: bool,
    /// The last good configuration; stays in force while a later one is bad.
    config: Option<Config>,
    faulty: Option<FaultyConfig>,
    /// Whether choices are being made, that is all of the above allow it.
    active: bool,
    allocator: Allocator,
    services: BTreeMap<ServiceKey, Entry>,
    /// Services that another's release may help, the oldest first.
    waiting: BTreeSet<(i64, ServiceKey)>,
    /// Whether an address came free since those were last looked at.
    freed: bool,
    actions: Vec<Action>,
}

impl Reconciler {
    /// A follower that serves Services of this class, or of none.
    #[must_use]
    pub fn new(class: Option<String>) -> Self {
        Self {
            class,
            ..Self::default()
        }
    }

    /// Begins to lead. What was known of Services is forgotten: a view from
    /// before may lack what the last leader wrote, so complete new lists must
    /// come first.
    pub fn lead(&mut self) {
        self.follow();
        self.leading = true;
    }

    /// Stops choosing at once and forgets the Services.
    pub fn follow(&mut self) {
        self.leading = false;
        self.active = false;
        self.services_listed = false;
        self.config_listed = false;
        self.freed = false;
        self.services.clear();
        self.waiting.clear();
        self.actions.clear();
        self.allocator = Allocator::default();
    }

    /// These are all Services there are.
    pub fn services_listed(&mut self, views: Vec<ServiceView>) {
        let listed: BTreeSet<ServiceKey> = views.iter().map(|view| view.key.clone()).collect();
        let known: Vec<ServiceKey> = self.services.keys().cloned().collect();
        for key in known.iter().filter(|key| !listed.contains(*key)) {
            self.service_deleted(key);
        }
        for view in views {
            self.service_changed(view);
        }
        self.services_listed = true;
        self.activate();
    }

    /// A Service exists and looks like this now.
    pub fn service_changed(&mut self, view: ServiceView) {
        let key = view.key.clone();
        let known = self.services.get(&key);
        if known.is_some_and(|entry| entry.is_newer_than(&view)) {
            return;
        }
        let replaced = known.is_some_and(|entry| entry.view.uid != view.uid);
        let irrelevant = !view.load_balancer && view.status.is_empty();
        if replaced || irrelevant {
            self.service_deleted(&key);
        }
        if irrelevant {
            return;
        }
        let entry = self
            .services
            .entry(key.clone())
            .or_insert_with(|| Entry::new(view.clone()));
        if entry.see(view) {
            self.tell_assigned(&key);
        }
        self.consider(&key);
    }

    /// A Service is gone; so is its claim to its addresses.
    pub fn service_deleted(&mut self, key: &ServiceKey) {
        if let Some(entry) = self.services.remove(key) {
            self.waiting.remove(&(entry.view.created, key.clone()));
            self.freed |= self.allocator.retain(key, &[]) > 0;
        }
    }

    /// The configuration was listed or has changed.
    pub fn config_seen(&mut self, seen: Seen) {
        self.config_listed = true;
        let faulty = match seen {
            Seen::Good(config) => {
                if self.config.as_ref() != Some(&config) {
                    self.configure(config);
                }
                None
            }
            Seen::Faulty(faulty) => Some(faulty),
            Seen::Absent => None,
        };
        let news = faulty
            .clone()
            .filter(|_| self.leading && self.faulty != faulty);
        self.actions.extend(news.map(Action::TellConfig));
        // A follower does not remember, so that it speaks up once it leads.
        self.faulty = faulty.filter(|_| self.leading);
        self.activate();
    }

    /// A status write ended.
    pub fn written(&mut self, write: &StatusWrite, outcome: Written) {
        let Some(entry) = self
            .services
            .get_mut(&write.key)
            .filter(|e| e.view.uid == write.uid)
        else {
            return;
        };
        entry.writing = false;
        match outcome {
            Written::Done(view) => {
                entry.succeed();
                self.service_changed(*view);
                // In case the watch was quicker with something newer.
                self.consider(&write.key);
            }
            Written::Outdated if entry.view.version != write.version => self.consider(&write.key),
            Written::Outdated | Written::Failed => {
                let failures = entry.fail();
                let key = write.key.clone();
                self.actions.push(Action::Retry { key, failures });
            }
        }
    }

    /// The pause after a failed write is over.
    pub fn retry(&mut self, key: &ServiceKey) {
        self.consider(key);
    }

    /// Looks again at Services that wait, if an address came free. To be called
    /// when there is nothing else to hear.
    pub fn settle(&mut self) {
        while std::mem::take(&mut self.freed) {
            let waiting: Vec<_> = self.waiting.iter().map(|(_, key)| key.clone()).collect();
            waiting.iter().for_each(|key| self.consider(key));
        }
    }

    /// What is to be done, in order; each action is handed out once.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Whether it chooses addresses now.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Whether every list it needs in its present role is in.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.config_listed && (self.services_listed || !self.leading)
    }

    /// Whether a good configuration has been seen.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.config.is_some()
    }

    /// How many Services wait for another's release.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How full each pool is; nothing while following.
    pub fn usage(&self) -> impl Iterator<Item = (&str, Usage)> {
        self.allocator.usage()
    }

    fn configure(&mut self, config: Config) {
        self.allocator.reconfigure(&config);
        self.config = Some(config);
        if self.active {
            self.consider_all();
        }
    }

    fn activate(&mut self) {
        let listed = self.services_listed && self.config_listed;
        let Some(config) = self
            .config
            .as_ref()
            .filter(|_| listed && self.leading && !self.active)
        else {
            return;
        };
        self.active = true;
        self.allocator = Allocator::new(config);
        self.consider_all();
    }

    /// First every claim that a status makes, then every choice; the older
    /// Service comes first in both.
    fn consider_all(&mut self) {
        let mut order: Vec<_> = self.services.values().collect();
        order.sort_by_key(|entry| entry.view.seniority());
        for entry in &order {
            replay(&entry.view, &entry.doubtful, &mut self.allocator);
        }
        let keys: Vec<_> = order.iter().map(|entry| entry.view.key.clone()).collect();
        keys.iter().for_each(|key| self.consider(key));
    }

    fn consider(&mut self, key: &ServiceKey) {
        if !self.active {
            return;
        }
        let Some(entry) = self.services.get_mut(key).filter(|entry| !entry.writing) else {
            return;
        };
        let before = self.allocator.held(key);
        let decision = decide(&entry.view, self.class.as_deref(), &mut self.allocator);
        let gains = decision.write.as_deref().unwrap_or_default();
        let keep = [&entry.view.status, &entry.doubtful, gains].concat();
        self.allocator.retain(key, &keep);
        let after = self.allocator.held(key);
        // What was only claimed on the way to a refusal has not come free.
        self.freed |= before.iter().any(|ip| !after.contains(ip));
        let place = (entry.view.created, key.clone());
        if decision.waiting {
            self.waiting.insert(place);
        } else {
            self.waiting.remove(&place);
        }
        self.actions.extend(entry.apply(decision));
    }

    /// The API server has what was written; only now does anybody hear of it.
    fn tell_assigned(&mut self, key: &ServiceKey) {
        if let Some(entry) = self.services.get(key) {
            let notice = Notice::Assigned(self.with_pools(&entry.view.status));
            self.actions.push(entry.tell(notice));
        }
    }

    fn with_pools(&self, addresses: &[IpAddr]) -> Vec<(IpAddr, String)> {
        let pool = |ip: &IpAddr| {
            let index = self.allocator.pool_of(*ip)?;
            Some((*ip, self.allocator.names().nth(index)?.to_owned()))
        };
        addresses.iter().filter_map(pool).collect()
    }
}
