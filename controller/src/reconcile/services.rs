//! The Services: what each has and wants, decided one at a time. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ferrolb_core::change::Change;
use ferrolb_core::config::Config;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::selector::Labels;

use super::action::{Action, Notice, StatusWrite, Written};
use super::announcements::{Announcements, GRACE};
use super::deferred::{Deferred, Refusals};
use super::entry::{Entry, Outcome};
use super::quarantine::Quarantine;
use super::waits::Waits;
use crate::allocator::{Allocator, Opening};
use crate::decide::{Context, Namespaces, assigned, decide, replay};
use crate::service::ServiceView;

/// The Services, the addresses they hold, and what the speakers report of them.
#[derive(Debug, Default)]
pub(super) struct Services {
    pub(super) class: Option<String>,
    pub(super) namespaces: Namespaces,
    /// Whether decisions are made; before, changes are only recorded.
    pub(super) active: bool,
    /// Time since the process began, at the last tick.
    pub(super) now: Duration,
    pub(super) allocator: Allocator,
    pub(super) entries: BTreeMap<ObjectKey, Entry>,
    /// Services that wait for something, by what that is.
    pub(super) waits: Waits,
    pub(super) deferred: Deferred,
    pub(super) refusals: Refusals,
    pub(super) announcements: Announcements,
    pub(super) quarantine: Quarantine,
    pub(super) actions: Vec<Action>,
}

impl Services {
    /// Services were listed or one has changed.
    pub(super) fn change(&mut self, change: Change<ServiceView>) {
        match change {
            Change::Apply(view) => self.apply(view),
            Change::Delete(key) => self.delete(&key),
            Change::Reset(views) => {
                let listed: BTreeSet<_> = views.iter().map(|view| view.key.clone()).collect();
                let gone = self.entries.keys().filter(|key| !listed.contains(*key));
                for key in gone.cloned().collect::<Vec<_>>() {
                    self.delete(&key);
                }
                views.into_iter().for_each(|view| self.apply(view));
            }
        }
    }

    /// A Service exists and looks like this now.
    fn apply(&mut self, view: ServiceView) {
        let key = view.key.clone();
        let known = self.entries.get(&key);
        if known.is_some_and(|entry| entry.is_newer_than(&view)) {
            return;
        }
        let replaced = known.is_some_and(|entry| entry.view.uid != view.uid);
        let unsaid = view.condition.is_none() && view.announced.is_none();
        let bare = view.status.is_empty() && unsaid;
        let irrelevant = !view.load_balancer && bare;
        if replaced || irrelevant {
            self.delete(&key);
        }
        if irrelevant {
            return;
        }
        let entry = self
            .entries
            .entry(key.clone())
            .or_insert_with(|| Entry::new(view.clone()));
        if entry.see(view) {
            self.notify_assigned(&key);
        }
        self.reconcile(&key);
    }

    /// A Service is gone; so is its claim to its addresses.
    fn delete(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.remove(key) {
            let place = (entry.view.created, key.clone());
            self.waits.set(&place, BTreeSet::new());
            self.refusals.change(entry.refused_for(), None);
            self.allocator.retain(key, &[]);
            self.deferred.set(key, false);
            self.update_orphan_timer(key);
        }
    }

    /// Namespaces were listed, or the labels of one have changed.
    pub(super) fn change_namespaces(&mut self, change: Change<(String, Labels), String>) {
        let before = self.namespaces.clone();
        match change {
            Change::Apply((name, labels)) => {
                self.namespaces.insert(name, labels);
            }
            Change::Delete(name) => {
                self.namespaces.remove(&name);
            }
            Change::Reset(all) => self.namespaces = all.into_iter().collect(),
        }
        let names: BTreeSet<&String> = before.keys().chain(self.namespaces.keys()).collect();
        let is_changed = |name: &&&String| before.get(**name) != self.namespaces.get(**name);
        let changed: Vec<String> = names
            .iter()
            .filter(is_changed)
            .map(|n| (*n).clone())
            .collect();
        changed
            .iter()
            .for_each(|name| self.reconcile_namespace(name));
    }

    /// Begins to decide: first every address that a status shows is claimed.
    pub(super) fn activate(&mut self, config: &Config) {
        self.active = true;
        self.allocator = Allocator::new(config);
        self.reconcile_all();
        let reported = self.announcements.services();
        reported
            .iter()
            .for_each(|key| self.update_orphan_timer(key));
    }

    /// The pools have changed.
    pub(super) fn reconfigure(&mut self, config: &Config) {
        self.allocator.reconfigure(config);
        if self.active {
            self.reconcile_all();
        }
    }

    /// A status write ended.
    pub(super) fn written(&mut self, write: &StatusWrite, outcome: Written) {
        let Some(entry) = self
            .entries
            .get_mut(&write.key)
            .filter(|e| e.view.uid == write.uid)
        else {
            return;
        };
        entry.writing = false;
        match outcome {
            Written::Done(view) => {
                entry.succeed();
                self.apply(*view);
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

    /// Looks again at Services that wait for something that has happened. To
    /// be called when there is nothing else to hear.
    pub(super) fn settle(&mut self) {
        loop {
            let openings = self.allocator.take_openings();
            if openings.is_empty() {
                break;
            }
            self.wake(openings.into_iter().collect());
        }
    }

    /// Decides about one Service of which only words are to be written, each in
    /// turn; false if there is none. To be called only when the writer has
    /// nothing better to do.
    pub(super) fn reconcile_deferred(&mut self) -> bool {
        let key = self.deferred.pop();
        key.inspect(|key| self.reconcile_one(key, true)).is_some()
    }

    /// The oldest first, as long as there is something left to be had.
    fn wake(&mut self, mut openings: Vec<Opening>) {
        openings.retain(|opening| self.waits.next(opening, None).is_some());
        let mut last = None;
        loop {
            openings.retain(|opening| is_open(&mut self.allocator, opening));
            let next = |opening| self.waits.next(opening, last.as_ref());
            let Some(place) = openings.iter().filter_map(next).min() else {
                return;
            };
            self.reconcile(&place.1);
            last = Some(place);
        }
    }

    /// First every claim that a status makes, then every choice; the older
    /// Service comes first in both.
    fn reconcile_all(&mut self) {
        let mut order: Vec<_> = self.entries.values().collect();
        order.sort_by_key(|entry| entry.view.seniority());
        for entry in &order {
            replay(&entry.view, &entry.doubtful, &mut self.allocator);
        }
        let keys: Vec<_> = order.iter().map(|entry| entry.view.key.clone()).collect();
        keys.iter().for_each(|key| self.reconcile(key));
    }

    pub(super) fn reconcile(&mut self, key: &ObjectKey) {
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
        let Some(entry) = self.entries.get_mut(key).filter(|entry| !entry.writing) else {
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
        self.announcements.set_alarm(key, due);
        let (actions, words_left) = entry.apply(outcome, words);
        let now = entry.refused_for();
        self.actions.extend(actions);
        self.deferred.set(key, words_left);
        self.refusals.change(before, now);
        self.update_orphan_timer(key);
    }

    fn reconcile_namespace(&mut self, name: &str) {
        let ours = |key: &&ObjectKey| key.namespace == name;
        let keys: Vec<_> = self.entries.keys().filter(ours).cloned().collect();
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// The API server has what was written; only now does anybody hear of it.
    fn notify_assigned(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.get(key) {
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

/// Whether an opening is still open.
fn is_open(allocator: &mut Allocator, opening: &Opening) -> bool {
    match opening {
        Opening::Free(pool, family) => allocator.has_free(pool, *family),
        Opening::Quota(pool, namespace, family) => allocator.has_quota(pool, namespace, *family),
        Opening::Address(_) | Opening::Key(_) => true,
    }
}
