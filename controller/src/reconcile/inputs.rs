//! What the reconciler hears of Services and namespaces.

use std::collections::BTreeSet;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::selector::Labels;

use super::Reconciler;
use super::entry::Entry;
use crate::decide::Namespaces;
use crate::service::ServiceView;

impl Reconciler {
    /// These are all Services there are.
    pub fn services_listed(&mut self, views: Vec<ServiceView>) {
        let listed: BTreeSet<ObjectKey> = views.iter().map(|view| view.key.clone()).collect();
        let known: Vec<ObjectKey> = self.services.keys().cloned().collect();
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
        let unsaid = view.condition.is_none() && view.announced.is_none();
        let bare = view.status.is_empty() && unsaid;
        let irrelevant = !view.load_balancer && bare;
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
            self.notify_assigned(&key);
        }
        self.reconcile(&key);
    }

    /// A Service is gone; so is its claim to its addresses.
    pub fn service_deleted(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.services.remove(key) {
            let place = (entry.view.created, key.clone());
            self.waits.set(&place, BTreeSet::new());
            self.count_refusal(entry.refused_for(), None);
            self.allocator.retain(key, &[]);
            self.later.remove(key);
            self.update_orphan_timer(key);
        }
    }

    /// These are all namespaces there are.
    pub fn namespaces_listed(&mut self, namespaces: Namespaces) {
        let before = std::mem::replace(&mut self.namespaces, namespaces);
        self.namespaces_listed = true;
        let names: BTreeSet<String> = before
            .keys()
            .chain(self.namespaces.keys())
            .cloned()
            .collect();
        for name in names {
            if before.get(&name) != self.namespaces.get(&name) {
                self.reconcile_namespace(&name);
            }
        }
        self.activate();
    }

    /// A namespace has these labels now; none if it is gone.
    pub fn namespace_changed(&mut self, name: &str, labels: Option<Labels>) {
        let before = match labels.clone() {
            Some(labels) => self.namespaces.insert(name.to_owned(), labels),
            None => self.namespaces.remove(name),
        };
        if before != labels {
            self.reconcile_namespace(name);
        }
    }
}
