//! The Services, and how many of them are refused for which reason. Pure.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use ferrolb_core::key::ObjectKey;

use super::entry::Entry;
use crate::service::ServiceView;

/// The Services by name.
#[derive(Debug, Default)]
pub(super) struct Services {
    entries: BTreeMap<ObjectKey, Entry>,
    refused: BTreeMap<&'static str, usize>,
}

impl Services {
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &ObjectKey) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys()
    }

    /// The Services of a namespace.
    pub(super) fn in_namespace(&self, name: &str) -> Vec<ObjectKey> {
        let its = self.keys().filter(|key| key.namespace == name);
        its.cloned().collect()
    }

    /// All Services, the oldest first.
    pub(super) fn by_age(&self) -> Vec<&Entry> {
        let mut order: Vec<_> = self.iter().collect();
        order.sort_by_key(|entry| entry.view.seniority());
        order
    }

    /// The Services that are not among these.
    pub(super) fn missing_from(&self, views: &[ServiceView]) -> Vec<ObjectKey> {
        let listed: BTreeSet<&ObjectKey> = views.iter().map(|view| &view.key).collect();
        let missing = self.keys().filter(|key| !listed.contains(key));
        missing.cloned().collect()
    }

    /// Stores a version; the Service if it is the first version that shows the
    /// addresses written.
    pub(super) fn update(&mut self, view: ServiceView) -> Option<&Entry> {
        match self.entries.entry(view.key.clone()) {
            Slot::Vacant(slot) => {
                slot.insert(Entry::new(view));
                None
            }
            Slot::Occupied(slot) => {
                let entry = slot.into_mut();
                entry.update(view).then_some(&*entry)
            }
        }
    }

    /// Removes a Service.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.count_refusal(entry.refused_for(), None);
        Some(entry)
    }

    /// Counts that a Service is refused for another reason than before.
    pub(super) fn count_refusal(
        &mut self,
        before: Option<&'static str>,
        now: Option<&'static str>,
    ) {
        if let Some(count) = before.and_then(|before| self.refused.get_mut(before)) {
            *count = count.saturating_sub(1);
        }
        if let Some(now) = now {
            *self.refused.entry(now).or_default() += 1;
        }
    }

    /// How many Services are refused, by reason.
    pub(super) fn refused(&self) -> &BTreeMap<&'static str, usize> {
        &self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::Services;
    use crate::tests::{key, service};

    fn services(names: &[&str]) -> Services {
        let mut services = Services::default();
        for (name, age) in names.iter().zip(0..) {
            let mut view = service(name);
            view.created = -age;
            services.update(view);
        }
        services
    }

    #[test]
    fn lists_by_age_by_namespace_and_by_what_is_missing() {
        let services = services(&["a", "other/b", "c"]);
        let by_age: Vec<_> = services.by_age().iter().map(|e| &e.view.key).collect();
        assert_eq!(by_age, [&key("c"), &key("other/b"), &key("a")]);
        assert_eq!(services.in_namespace("other"), [key("other/b")]);
        let listed = [service("a"), service("c")];
        assert_eq!(services.missing_from(&listed), [key("other/b")]);
    }

    #[test]
    fn a_refusal_is_counted_under_its_last_reason() {
        let mut services = services(&["a"]);
        services.count_refusal(None, Some("A"));
        services.count_refusal(Some("A"), Some("B"));
        assert_eq!(services.refused(), &[("A", 0), ("B", 1)].into());
        services.count_refusal(Some("B"), None);
        assert_eq!(services.refused()["B"], 0);
    }
}
