//! The controller's state machine: Services, configuration and what speakers
//! report in, status writes and Events out. Pure: time is passed in, no client, no
//! await.
//!
//! It chooses only while it leads, has seen a complete list of Services made
//! after it began to lead, and has a good configuration. Before the first
//! choice it claims every address that any status shows. An address is free
//! for others only when no status shows it any more, as far as the API server
//! has confirmed.
//!
//! Addresses are written at once. Changes of condition texts alone wait in
//! `deferred` until the status writer is idle, and are decided only then.

mod action;
mod announced;
mod announcements;
mod deferred;
mod entry;
mod nodes;
mod phase;
mod pools;
mod quarantine;
mod services;
mod state;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_api::views::ControllerState;
use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::selector::Labels;

use crate::allocator::Usage;
use crate::service::ServiceView;
use phase::{ActiveConfig, Phase};
use pools::Pools;
use services::Services;

pub use action::{
    Action, BackgroundWrite, ConfigState, InvalidConfig, Notice, PoolNotice, ServiceNotice,
    StatusWrite, Written,
};
pub use announcements::Announcement;
pub use pools::PoolObject;

/// The state of one controller.
#[derive(Debug, Default)]
pub struct Reconciler {
    phase: Phase,
    config: ActiveConfig,
    services: Services,
    pools: Pools,
}

impl Reconciler {
    /// A follower that serves Services of this class, or of none.
    #[must_use]
    pub fn new(class: Option<String>) -> Self {
        let services = Services {
            class,
            ..Services::default()
        };
        Self {
            services,
            ..Self::default()
        }
    }

    /// Begins to lead. What was known of Services is forgotten: a view from
    /// before may lack what the last leader wrote, so complete new lists must
    /// come first.
    pub fn lead(&mut self) {
        self.follow();
        self.phase.leading = true;
    }

    /// Stops allocating at once and forgets the Services.
    pub fn follow(&mut self) {
        let services = Services {
            class: self.services.class.take(),
            now: self.services.now,
            ..Services::default()
        };
        *self = Self {
            config: std::mem::take(&mut self.config),
            services,
            ..Self::default()
        };
    }

    /// This much time has passed since the process began. To be called before
    /// any change that is reported at that time.
    pub fn tick(&mut self, now: Duration) {
        self.services.tick(now);
    }

    /// When [`Reconciler::tick`] is due even if nothing changes.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let times = [self.services.deadline(), self.pools.deadline()];
        times.into_iter().flatten().min()
    }

    /// The configuration was listed or has changed.
    pub fn config_seen(&mut self, seen: ConfigState) {
        self.phase.config_listed = true;
        let (changed, rejected) = self.config.update(seen, self.phase.leading);
        if let Some(config) = changed {
            self.services.reconfigure(&config);
        }
        let actions = &mut self.services.actions;
        actions.extend(rejected.map(Action::NotifyConfig));
        self.activate();
    }

    /// Services were listed or one has changed.
    pub fn services(&mut self, change: Change<ServiceView>) {
        self.phase.services_listed |= matches!(change, Change::Reset(_));
        self.services.change(change);
        self.activate();
    }

    /// Namespaces were listed, or the labels of one have changed.
    pub fn namespaces(&mut self, change: Change<(String, Labels), String>) {
        self.phase.namespaces_listed |= matches!(change, Change::Reset(_));
        self.services.change_namespaces(change);
        self.activate();
    }

    /// Reports of speakers were listed or one has changed.
    pub fn announcements(&mut self, change: Change<Announcement, String>) {
        self.services.change_announcements(change);
    }

    /// Nodes were listed, or one became Ready or not Ready.
    pub fn nodes(&mut self, change: Change<(String, bool), String>) {
        self.services.change_nodes(change);
    }

    /// `IPAddressPool`s were listed or one has changed.
    pub fn pools(&mut self, change: Change<PoolObject, String>) {
        self.pools.change(change);
    }

    /// A background write ended.
    pub fn background_ended(&mut self, write: &BackgroundWrite, done: bool) {
        self.pools.written(write, done, self.services.now);
    }

    /// A status write ended.
    pub fn written(&mut self, write: &StatusWrite, outcome: Written) {
        self.services.written(write, outcome);
    }

    /// The pause after a failed write is over.
    pub fn retry(&mut self, key: &ObjectKey) {
        self.services.reconcile(key);
    }

    /// Reconciles the Services whose wait is over, and reports the pools. To be
    /// called when no more input is queued.
    pub fn settle(&mut self) {
        self.services.settle();
        if self.services.active && self.pools.is_listed() {
            let usage = self.services.allocator.usage();
            let actions = self.pools.report(usage, self.services.now);
            self.services.actions.extend(actions);
        }
    }

    /// Reconciles one Service of which only condition texts have to be written;
    /// false if there is none. To be called only while the writer is idle.
    pub fn reconcile_deferred(&mut self) -> bool {
        self.services.reconcile_deferred()
    }

    /// What is to be done, in order; each action is returned once.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.services.actions)
    }

    /// Whether every list that the present role needs has arrived.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.phase.is_listed()
    }

    /// Whether there is an accepted configuration.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.config.config.is_some()
    }

    /// How many Services wait for an address, a quota or a pool.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.services.waits.len()
    }

    /// How many Services are refused, by reason.
    #[must_use]
    pub fn refused(&self) -> &BTreeMap<&'static str, usize> {
        self.services.refusals.counts()
    }

    /// How full each pool is; nothing while following.
    pub fn usage(&self) -> impl Iterator<Item = (&str, Usage)> {
        self.services.allocator.usage()
    }

    /// What `/state` shows.
    #[must_use]
    pub fn state(&self) -> ControllerState {
        self.services.state()
    }

    fn activate(&mut self) {
        let config = self.config.config.as_ref();
        let may = self.phase.may_allocate() && !self.services.active;
        if let Some(config) = config.filter(|_| may) {
            self.services.activate(config);
        }
    }
}
