//! Services of which only condition texts have to be written, and the count of
//! refused Services. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use ferrolb_core::key::ObjectKey;

/// Services of which only condition texts have to be written; they wait until
/// the status writer is idle.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    keys: BTreeSet<ObjectKey>,
    last: Option<ObjectKey>,
}

impl Deferred {
    /// Adds a Service, or removes it.
    pub(super) fn set(&mut self, key: &ObjectKey, deferred: bool) {
        match deferred {
            true => self.keys.insert(key.clone()),
            false => self.keys.remove(key),
        };
    }

    /// Removes and returns the Service after the one returned last, so that
    /// each gets its turn.
    pub(super) fn pop(&mut self) -> Option<ObjectKey> {
        let after = self.last.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.keys.range((after, Bound::Unbounded)).next();
        let key = next.or_else(|| self.keys.first()).cloned()?;
        self.keys.remove(&key);
        self.last = Some(key.clone());
        Some(key)
    }
}

/// How many Services are refused, by reason.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<&'static str, usize>);

impl Refusals {
    /// The counts.
    pub(super) fn counts(&self) -> &BTreeMap<&'static str, usize> {
        &self.0
    }

    /// A Service is refused for another reason than before.
    pub(super) fn change(&mut self, before: Option<&'static str>, now: Option<&'static str>) {
        if let Some(count) = before.and_then(|before| self.0.get_mut(before)) {
            *count = count.saturating_sub(1);
        }
        if let Some(now) = now {
            *self.0.entry(now).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use ferrolb_core::key::ObjectKey;

    use super::{Deferred, Refusals};

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            namespace: "n".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn each_deferred_service_gets_its_turn() {
        let mut deferred = Deferred::default();
        for name in ["a", "b"] {
            deferred.set(&key(name), true);
        }
        assert_eq!(deferred.pop(), Some(key("a")));
        deferred.set(&key("a"), true);
        assert_eq!(deferred.pop(), Some(key("b")));
        deferred.set(&key("a"), false);
        assert_eq!(deferred.pop(), None);
    }

    #[test]
    fn a_service_counts_under_its_last_reason_only() {
        let mut refusals = Refusals::default();
        refusals.change(None, Some("NoAddressAvailable"));
        refusals.change(Some("NoAddressAvailable"), Some("UnknownPool"));
        assert_eq!(refusals.counts()["NoAddressAvailable"], 0);
        assert_eq!(refusals.counts()["UnknownPool"], 1);
    }
}
