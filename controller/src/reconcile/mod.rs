//! The controller's state machine: changes of Services, configuration, Nodes and
//! reports of speakers come in; status writes and Events go out. Pure: time is
//! passed in, no client, no await.
//!
//! It chooses addresses only while it leads, has a complete list of Services made
//! after it began to lead, and has a valid configuration. Before the first choice
//! it claims every address that any status shows. An address becomes free only
//! when the API server has confirmed that no status shows it any more.
//!
//! Addresses are written at once. A condition of which only the text changes, or
//! which reports the announcing node, is deferred until the writer is idle, and
//! decided only then, on what is known by then.

mod action;
mod announced;
mod announcements;
mod configuration;
mod deferred;
mod entry;
mod grace;
mod inputs;
mod nodes;
mod orphans;
mod pools;
mod quarantine;
mod role;
mod scope;
mod services;
mod state;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_core::key::ObjectKey;

use crate::allocator::{Allocator, Usage};
use crate::decide::{decide, replay};
use announcements::Announcements;
use configuration::Configuration;
use deferred::Deferred;
use entry::Desired;
use pools::Pools;
use quarantine::Quarantine;
use role::{List, Role};
use scope::Scope;
use services::Services;
use waits::{Pass, Waits};

pub use action::{
    Action, BackgroundWrite, ConfigState, InvalidConfig, Notice, PoolNotice, ServiceNotice,
    StatusWrite, Written,
};
pub use announcements::Announcement;
pub use pools::PoolObject;

/// The state of one controller.
#[derive(Debug, Default)]
pub struct Reconciler {
    role: Role,
    scope: Scope,
    configuration: Configuration,
    allocator: Allocator,
    services: Services,
    /// Services that wait for something to become available.
    waits: Waits,
    announcements: Announcements,
    quarantine: Quarantine,
    pools: Pools,
    deferred: Deferred,
    /// Time since the process began, as of the last [`Reconciler::tick`].
    now: Duration,
    actions: Vec<Action>,
}

/// Numbers for the metrics. A follower has no Services.
#[derive(Debug)]
pub struct Gauges<'a> {
    /// Services that wait for something to become available.
    pub waiting: usize,
    /// Services that do not have what they request, by reason.
    pub refused: &'a BTreeMap<&'static str, usize>,
    /// How full each pool is, by family.
    pub usage: Vec<(&'a str, Usage)>,
}

impl Reconciler {
    /// A follower that serves Services of this class, or those without one.
    #[must_use]
    pub fn new(class: Option<String>) -> Self {
        Self {
            scope: Scope::new(class),
            ..Self::default()
        }
    }

    /// Begins to lead, or stops choosing at once. Either way the Services are
    /// forgotten: a view from before may lack what the last leader wrote, so
    /// complete new lists must come first.
    pub fn set_leading(&mut self, leads: bool) {
        *self = Self {
            role: Role::new(leads),
            scope: self.scope.take(),
            configuration: std::mem::take(&mut self.configuration),
            now: self.now,
            ..Self::default()
        };
    }

    /// Sets the time since the process began, and does what is due. To be called
    /// before the inputs of that time.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        self.quarantine.end_due(&mut self.allocator, now);
        for key in self.announcements.grace.take_due(now) {
            self.reconcile(&key);
        }
        if self.role.is_active() {
            let writes = self.announcements.delete_orphans(now).into_iter();
            self.actions.extend(writes.map(Action::Background));
        }
    }

    /// When [`Reconciler::tick`] is to be called even without any input.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Duration> {
        let timeouts = [
            self.quarantine.next_timeout(),
            self.announcements.next_timeout(),
            self.pools.next_timeout(),
        ];
        timeouts.into_iter().flatten().min()
    }

    /// Reconciles the Services that wait for something that has become available.
    /// To be called when there is no other input.
    pub fn settle(&mut self) {
        loop {
            let openings = self.allocator.take_openings();
            if openings.is_empty() {
                break;
            }
            let mut pass = Pass::new(openings, &self.waits);
            while let Some(key) = pass.next(&self.waits, &mut self.allocator) {
                self.reconcile(&key);
            }
        }
        if self.role.is_active() {
            let actions = self.pools.report(self.allocator.usage(), self.now);
            self.actions.extend(actions);
        }
    }

    /// Reconciles the next Service of which only the text of a condition is to be
    /// written; false if there is none. To be called only while the writer is idle.
    pub fn reconcile_deferred(&mut self) -> bool {
        let key = self.deferred.next();
        if let Some(key) = &key {
            self.reconcile_one(key, true);
        }
        key.is_some()
    }

    /// What is to be done, in order; each action is returned once.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Whether every list that it needs in its present role has arrived.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.role.is_listed()
    }

    /// Whether there is an active configuration.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.configuration.active().is_some()
    }

    /// A list has arrived; with the last one it begins to choose.
    fn list_arrived(&mut self, list: List) {
        self.role.list(list);
        let Some(config) = self.configuration.active() else {
            return;
        };
        if !self.role.activate() {
            return;
        }
        self.allocator = Allocator::new(config);
        self.reconcile_all();
        let reported: Vec<_> = self.announcements.services().cloned().collect();
        let orphaned = reported
            .iter()
            .filter(|key| self.services.get(key).is_none());
        let orphaned: Vec<_> = orphaned.collect();
        orphaned.into_iter().for_each(|key| self.reconcile(key));
    }

    /// First claims every address that a status shows, then chooses; the older
    /// Service comes first in both.
    fn reconcile_all(&mut self) {
        let order = self.services.by_age();
        for entry in &order {
            replay(&entry.view, entry.unconfirmed(), &mut self.allocator);
        }
        let keys: Vec<_> = order.iter().map(|entry| entry.view.key.clone()).collect();
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// Decides about a Service. To be called for a failed write too, after its pause.
    pub fn reconcile(&mut self, key: &ObjectKey) {
        if !self.role.is_active() {
            return;
        }
        if let Some(entry) = self.services.get(key) {
            let conflicts = self.announcements.conflicts(&entry.view, false);
            let mut holders = self
                .quarantine
                .add(conflicts, &mut self.allocator, self.now);
            holders.remove(key);
            holders
                .iter()
                .for_each(|other| self.reconcile_one(other, false));
        }
        self.reconcile_one(key, false);
    }

    /// Decides about a Service; `text` is whether a write may change only the text
    /// of a condition.
    fn reconcile_one(&mut self, key: &ObjectKey, text: bool) {
        if let Some(entry) = self.services.get_mut(key).filter(|entry| entry.is_idle()) {
            let context = self.scope.context();
            let decision = decide(&entry.view, &context, &mut self.allocator);
            let gained = decision.write.as_deref().unwrap_or_default();
            let keep = [&entry.addresses(), gained].concat();
            self.allocator.retain(key, &keep);
            self.waits.set(&entry.place(), decision.waits.clone());
            let announcements = &mut self.announcements;
            let desired = Desired {
                announced: announcements.condition_change(
                    &entry.view,
                    context.class,
                    &decision,
                    self.now,
                ),
                conflicts: announcements.conflicts(&entry.view, true),
                decision,
            };
            let before = entry.refused_for();
            let (actions, deferred) = entry.apply(desired, text);
            let now = entry.refused_for();
            self.services.count_refusal(before, now);
            self.actions.extend(actions);
            self.deferred.set(key, deferred);
        }
        let entry = self.services.get(key);
        let addresses = entry.map(|entry| entry.addresses()).unwrap_or_default();
        self.announcements
            .update_orphan_timer(key, &addresses, self.now);
    }
}
