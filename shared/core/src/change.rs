//! What a watch reports, reduced to three verbs: apply, delete, and reset
//! (after a list). Pure.

use crate::key::ObjectKey;

/// A change of the watched objects, each cut down to a value `V`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<V, K = ObjectKey> {
    /// The object exists and looks like this now.
    Apply(V),
    /// The object is gone, or no longer concerns the consumer.
    Delete(K),
    /// These are all objects there are; forget any other.
    Reset(Vec<V>),
}

impl<V> Change<V> {
    /// The same with the name alone as the key, for objects of one namespace or none.
    #[must_use]
    pub fn by_name(self) -> Change<V, String> {
        match self {
            Self::Apply(value) => Change::Apply(value),
            Self::Delete(key) => Change::Delete(key.name),
            Self::Reset(all) => Change::Reset(all),
        }
    }
}

impl<V, K> Change<V, K> {
    /// The object of a watch that selects a single one; `None` when it does not exist.
    #[must_use]
    pub fn single(self) -> Option<V> {
        match self {
            Self::Apply(value) => Some(value),
            Self::Delete(_) => None,
            Self::Reset(all) => all.into_iter().next(),
        }
    }

    /// The same with each value turned into another.
    #[must_use]
    pub fn map<W>(self, f: impl FnMut(V) -> W) -> Change<W, K> {
        let mut f = f;
        match self {
            Self::Apply(value) => Change::Apply(f(value)),
            Self::Delete(key) => Change::Delete(key),
            Self::Reset(all) => Change::Reset(all.into_iter().map(f).collect()),
        }
    }
}
