//! The controller's state machine: Services, configuration and what speakers
//! say in, status writes and news out. Pure: time is passed in, no client, no
//! await.
//!
//! It chooses only while it leads, has seen a complete list of Services made
//! after it began to lead, and has a good configuration. Before the first
//! choice it claims every address that any status shows. An address is free
//! for others only when no status shows it any more, as far as the API server
//! has confirmed.
//!
//! Addresses go out at once. Mere words, that is a condition whose text has
//! changed or that says who announces an address, wait in `later` until the
//! writer has nothing better to do; only then they are decided, on what is
//! known by then.

mod action;
mod announced;
mod announcements;
mod entry;
mod inputs;
mod nodes;
mod pools;
mod state;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::time::Duration;

use ferrolb_core::config::Config;
use ferrolb_core::key::ObjectKey;

use crate::allocator::{Allocator, Opening, Usage};
use crate::decide::{Context, Namespaces, assigned, decide, replay};
use announced::GRACE;
use announcements::Announcements;
use entry::{Entry, Outcome};
use pools::Pools;
use waits::Waits;

pub use action::{
    Action, BackgroundWrite, ConfigState, InvalidConfig, Notice, PoolNotice, ServiceNotice,
    StatusWrite, Written,
};
pub use announcements::Announcement;
pub use pools::PoolObject;

/// The state of one controller.
#[derive(Debug, Default)]
pub struct Reconciler {
    class: Option<String>,
    leading: bool,
    services_listed: bool,
    config_listed: bool,
    namespaces_listed: bool,
    namespaces: Namespaces,
    /// The last good configuration; stays in force while a later one is bad.
    config: Option<Config>,
    faulty: Option<InvalidConfig>,
    /// Whether choices are being made, that is all of the above allow it.
    active: bool,
    allocator: Allocator,
    services: BTreeMap<ObjectKey, Entry>,
    /// Services that wait for something, by what that is.
    waits: Waits,
    /// How many Services are refused, by the reason's word.
    refused: BTreeMap<&'static str, usize>,
    /// Time since the process began, as it was last told.
    now: Duration,
    announcements: Announcements,
    /// When silence about a Service will have lasted long enough.
    alarms: BTreeSet<(Duration, ObjectKey)>,
    /// Addresses given to nobody, and until when.
    quarantine: BTreeMap<IpAddr, Duration>,
    pools: Pools,
    /// Services of which only words are to be written, and the one that had
    /// its turn last.
    later: BTreeSet<ObjectKey>,
    turn: Option<ObjectKey>,
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
        *self = Self {
            class: self.class.take(),
            config: self.config.take(),
            faulty: self.faulty.take(),
            now: self.now,
            ..Self::default()
        };
    }

    /// So much time has passed since the process began. To be called before
    /// anything that is heard at that time.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        self.on_timer();
    }

    /// When [`Reconciler::tick`] is to be called even if nothing is heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let alarm = self.alarms.first().map(|(due, _)| *due);
        let quarantine = self.quarantine.values().min().copied();
        let times = [
            alarm,
            quarantine,
            self.announcements.deadline(),
            self.pools.deadline(),
        ];
        times.into_iter().flatten().min()
    }

    /// The configuration was listed or has changed.
    pub fn config_seen(&mut self, seen: ConfigState) {
        self.config_listed = true;
        let (config, faulty) = match seen {
            ConfigState::Valid(config) => (Some(config), None),
            ConfigState::Invalid(faulty) => (faulty.in_force.clone(), Some(faulty)),
            ConfigState::Absent(in_force) => (in_force, None),
        };
        if let Some(config) = config.filter(|config| self.config.as_ref() != Some(config)) {
            self.configure(config);
        }
        let news = faulty
            .clone()
            .filter(|_| self.leading && self.faulty != faulty);
        self.actions.extend(news.map(Action::NotifyConfig));
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
                self.reconcile(&write.key);
            }
            Written::Outdated if entry.view.version != write.version => self.reconcile(&write.key),
            Written::Outdated | Written::Failed => {
                let failures = entry.fail();
                let key = write.key.clone();
                self.actions.push(Action::Retry { key, failures });
            }
        }
    }

    /// The pause after a failed write is over.
    pub fn retry(&mut self, key: &ObjectKey) {
        self.reconcile(key);
    }

    /// Looks again at Services that wait for something that has happened. To
    /// be called when there is nothing else to hear.
    pub fn settle(&mut self) {
        loop {
            let openings = self.allocator.take_openings();
            if openings.is_empty() {
                break;
            }
            self.wake(openings.into_iter().collect());
        }
        self.report_pools();
    }

    /// Decides about one Service of which only words are to be written, each in
    /// turn; false if there is none. To be called only when the writer has
    /// nothing better to do.
    pub fn reconcile_deferred(&mut self) -> bool {
        let after = self.turn.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.later.range((after, Bound::Unbounded)).next();
        let Some(key) = next.or_else(|| self.later.first()).cloned() else {
            return false;
        };
        self.later.remove(&key);
        self.reconcile_one(&key, true);
        self.turn = Some(key);
        true
    }

    /// The oldest first, as long as there is something left to be had.
    fn wake(&mut self, mut openings: Vec<Opening>) {
        openings.retain(|opening| self.waits.next(opening, None).is_some());
        let mut last = None;
        loop {
            openings.retain(|opening| self.is_open(opening));
            let next = |opening| self.waits.next(opening, last.as_ref());
            let Some(place) = openings.iter().filter_map(next).min() else {
                return;
            };
            self.reconcile(&place.1);
            last = Some(place);
        }
    }

    fn is_open(&mut self, opening: &Opening) -> bool {
        match opening {
            Opening::Free(pool, family) => self.allocator.has_free(pool, *family),
            Opening::Quota(pool, namespace, family) => {
                self.allocator.has_quota(pool, namespace, *family)
            }
            Opening::Address(_) | Opening::Key(_) => true,
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
        let served = self.services_listed && self.namespaces_listed;
        self.config_listed && (served || !self.leading)
    }

    /// Whether a good configuration has been seen.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.config.is_some()
    }

    /// How many Services wait for something of others' doing.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waits.len()
    }

    /// How many Services do not get what they ask for, by the reason's word.
    #[must_use]
    pub fn refused(&self) -> &BTreeMap<&'static str, usize> {
        &self.refused
    }

    /// How full each pool is; nothing while following.
    pub fn usage(&self) -> impl Iterator<Item = (&str, Usage)> {
        self.allocator.usage()
    }

    fn configure(&mut self, config: Config) {
        self.allocator.reconfigure(&config);
        self.config = Some(config);
        if self.active {
            self.reconcile_all();
        }
    }

    fn activate(&mut self) {
        let listed = self.services_listed && self.config_listed && self.namespaces_listed;
        let Some(config) = self
            .config
            .as_ref()
            .filter(|_| listed && self.leading && !self.active)
        else {
            return;
        };
        self.active = true;
        self.allocator = Allocator::new(config);
        self.reconcile_all();
        let spoken_of = self.announcements.services();
        spoken_of
            .iter()
            .for_each(|key| self.update_orphan_timer(key));
    }

    /// First every claim that a status makes, then every choice; the older
    /// Service comes first in both.
    fn reconcile_all(&mut self) {
        let mut order: Vec<_> = self.services.values().collect();
        order.sort_by_key(|entry| entry.view.seniority());
        for entry in &order {
            replay(&entry.view, &entry.doubtful, &mut self.allocator);
        }
        let keys: Vec<_> = order.iter().map(|entry| entry.view.key.clone()).collect();
        keys.iter().for_each(|key| self.reconcile(key));
    }

    fn reconcile(&mut self, key: &ObjectKey) {
        for other in self.quarantine_conflicts(key) {
            self.reconcile_one(&other, false);
        }
        self.reconcile_one(key, false);
    }

    /// Decides about a Service; `words` is whether mere words are written too.
    fn reconcile_one(&mut self, key: &ObjectKey, words: bool) {
        if !self.active {
            return;
        }
        let Some(entry) = self.services.get_mut(key).filter(|entry| !entry.writing) else {
            return;
        };
        let around = Context {
            class: self.class.as_deref(),
            namespaces: &self.namespaces,
        };
        let decision = decide(&entry.view, &around, &mut self.allocator);
        let gains = decision.write.as_deref().unwrap_or_default();
        let keep = [&entry.view.status, &entry.doubtful, gains].concat();
        self.allocator.retain(key, &keep);
        let place = (entry.view.created, key.clone());
        self.waits.set(&place, decision.waits.clone());
        let before = entry.refused_for();
        let outcome = Outcome {
            announced: self.announcements.announced_change(
                entry,
                around.class,
                &decision,
                self.now,
            ),
            strangers: self.announcements.requested_conflicts(&entry.view),
            decision,
        };
        let due = entry.silent.as_ref().map(|(_, since)| *since + GRACE);
        let due = due.filter(|due| *due > self.now);
        self.alarms.extend(due.map(|due| (due, key.clone())));
        let (actions, words_left) = entry.apply(outcome, words);
        let now = entry.refused_for();
        self.actions.extend(actions);
        match words_left {
            true => self.later.insert(key.clone()),
            false => self.later.remove(key),
        };
        self.count_refusal(before, now);
        self.update_orphan_timer(key);
    }

    fn reconcile_namespace(&mut self, name: &str) {
        let ours = |key: &&ObjectKey| key.namespace == name;
        let keys: Vec<_> = self.services.keys().filter(ours).cloned().collect();
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// A Service is refused for another reason than before.
    fn count_refusal(&mut self, before: Option<&'static str>, now: Option<&'static str>) {
        if let Some(count) = before.and_then(|before| self.refused.get_mut(before)) {
            *count = count.saturating_sub(1);
        }
        if let Some(now) = now {
            *self.refused.entry(now).or_default() += 1;
        }
    }

    /// The API server has what was written; only now does anybody hear of it.
    fn notify_assigned(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.services.get(key) {
            let around = Context {
                class: self.class.as_deref(),
                namespaces: &self.namespaces,
            };
            let view = &entry.view;
            let text = assigned(view, &view.status, &self.allocator, &around);
            self.actions.push(entry.tell(Notice::Assigned(text)));
        }
    }
}
