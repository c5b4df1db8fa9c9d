//! Services of which only the text of a condition is to be written, once the
//! writer is idle. Pure.

use std::collections::BTreeSet;
use std::ops::Bound;

use ferrolb_core::key::ObjectKey;

/// The Services, and the one that was next last.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    keys: BTreeSet<ObjectKey>,
    last: Option<ObjectKey>,
}

impl Deferred {
    /// Adds or removes a Service.
    pub(super) fn set(&mut self, key: &ObjectKey, deferred: bool) {
        match deferred {
            true => self.keys.insert(key.clone()),
            false => self.keys.remove(key),
        };
    }

    /// Removes the next one, round robin, so that a Service that changes often does
    /// not keep others waiting.
    pub(super) fn next(&mut self) -> Option<ObjectKey> {
        let after = self.last.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.keys.range((after, Bound::Unbounded)).next();
        let key = next.or_else(|| self.keys.first())?.clone();
        self.keys.remove(&key);
        self.last = Some(key.clone());
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::Deferred;
    use crate::tests::key;

    #[test]
    fn a_service_that_is_deferred_again_waits_for_the_others() {
        let mut deferred = Deferred::default();
        for name in ["a", "b", "c"] {
            deferred.set(&key(name), true);
        }
        assert_eq!(deferred.next(), Some(key("a")));
        deferred.set(&key("a"), true);
        deferred.set(&key("c"), false);
        assert_eq!(deferred.next(), Some(key("b")));
        assert_eq!(deferred.next(), Some(key("a")));
        assert_eq!(deferred.next(), None);
    }
}
