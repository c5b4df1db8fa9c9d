//! The inputs of the reconciler: what watches and writes report. Pure.

use std::collections::BTreeSet;

use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::selector::Labels;

use super::action::{Action, BackgroundWrite, ConfigState, Notice, StatusWrite, Written};
use super::announcements::Announcement;
use super::pools::PoolObject;
use super::role::List;
use super::{Gauges, Reconciler};
use crate::decide::assigned;
use crate::service::ServiceView;

impl Reconciler {
    /// The configuration was read, or has changed.
    pub fn config_changed(&mut self, state: ConfigState) {
        let applied = self.configuration.apply(state, self.role.leads());
        self.actions
            .extend(applied.rejected.map(Action::NotifyConfig));
        if let Some(config) = self.configuration.active().filter(|_| applied.is_new) {
            self.allocator.reconfigure(config);
            if self.role.is_active() {
                self.reconcile_all();
            }
        }
        self.list_arrived(List::Configuration);
    }

    /// Services have changed.
    pub fn services_changed(&mut self, change: Change<ServiceView>) {
        match change {
            Change::Apply(view) => self.service_changed(view),
            Change::Delete(key) => self.service_deleted(&key),
            Change::Reset(views) => {
                let missing = self.services.missing_from(&views);
                missing.iter().for_each(|key| self.service_deleted(key));
                views
                    .into_iter()
                    .for_each(|view| self.service_changed(view));
                self.list_arrived(List::Services);
            }
        }
    }

    fn service_changed(&mut self, view: ServiceView) {
        let key = view.key.clone();
        let known = self.services.get(&key);
        if known.is_some_and(|entry| entry.is_newer_than(&view)) {
            return;
        }
        let replaced = known.is_some_and(|entry| entry.view.uid != view.uid);
        let irrelevant = !view.is_relevant();
        if replaced || irrelevant {
            self.service_deleted(&key);
        }
        if irrelevant {
            return;
        }
        // Reported only now that the API server has what was written.
        if let Some(entry) = self.services.update(view) {
            let (view, context) = (&entry.view, self.scope.context());
            let text = assigned(view, &view.status, &self.allocator, &context);
            self.actions.push(entry.notice(Notice::Assigned(text)));
        }
        self.reconcile(&key);
    }

    fn service_deleted(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.services.remove(key) {
            self.waits.set(&entry.place(), BTreeSet::new());
            self.allocator.retain(key, &[]);
            self.deferred.set(key, false);
            self.announcements.grace.end(key);
            self.reconcile(key);
        }
    }

    /// Labels of namespaces have changed.
    pub fn namespaces_changed(&mut self, change: Change<(String, Labels), String>) {
        let all = matches!(change, Change::Reset(_));
        for name in self.scope.apply(change) {
            let keys = self.services.in_namespace(&name);
            keys.iter().for_each(|key| self.reconcile(key));
        }
        if all {
            self.list_arrived(List::Namespaces);
        }
    }

    /// Nodes are Ready, or are not.
    pub fn nodes_changed(&mut self, change: Change<(String, bool), String>) {
        let keys = self.announcements.nodes_changed(change);
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// The reports of speakers have changed.
    pub fn announcements_changed(&mut self, change: Change<Announcement, String>) {
        let all = matches!(change, Change::Reset(_));
        let mut keys = self.announcements.apply(change);
        if all {
            // Those without any report are unannounced.
            keys.extend(self.services.keys().cloned());
        }
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// `IPAddressPool`s of our namespace have changed; an empty list without the CRD.
    pub fn pools_changed(&mut self, change: Change<PoolObject, String>) {
        self.pools.apply(change);
    }

    /// A status write ended.
    pub fn written(&mut self, write: &StatusWrite, outcome: Written) {
        let entry = self.services.get_mut(&write.key);
        let Some(entry) = entry.filter(|entry| entry.view.uid == write.uid) else {
            return;
        };
        entry.write_ended();
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

    /// A background write succeeded or failed.
    pub fn background_ended(&mut self, write: &BackgroundWrite, done: bool) {
        // An orphan that is not deleted is due again later.
        if let BackgroundWrite::PoolStatus { name, uid, counts } = write {
            let written = done.then_some((uid.as_str(), *counts));
            self.pools.write_ended(name, written, self.now);
        }
    }

    /// Numbers for the metrics.
    #[must_use]
    pub fn gauges(&self) -> Gauges<'_> {
        Gauges {
            waiting: self.waits.len(),
            refused: self.services.refused(),
            usage: self.allocator.usage().collect(),
        }
    }
}
