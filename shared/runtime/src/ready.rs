//! Readiness by named guards: a program is ready when every condition it named
//! at its start has been met. `/readyz` lists those still missing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a program is still waiting for.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeSet<&'static str>>>);

impl Readiness {
    /// Adds a condition. It holds back readiness until the guard is dropped.
    #[must_use = "dropping the guard marks the condition as met"]
    pub fn expect(&self, condition: &'static str) -> Guard {
        self.pending_set().insert(condition);
        Guard {
            readiness: self.clone(),
            condition,
        }
    }

    /// The conditions not met yet, in alphabetical order; empty means ready.
    #[must_use]
    pub fn pending(&self) -> Vec<&'static str> {
        self.pending_set().iter().copied().collect()
    }

    fn pending_set(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        // The set is valid after every single operation, so a panic elsewhere
        // while it was locked does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds back readiness until dropped.
#[derive(Debug)]
pub struct Guard {
    readiness: Readiness,
    condition: &'static str,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.readiness.pending_set().remove(self.condition);
        tracing::debug!(condition = self.condition, "readiness condition met");
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn is_ready_only_when_every_guard_is_dropped() {
        let readiness = Readiness::default();
        let lists = readiness.expect("lists");
        let gossip = readiness.expect("gossip");
        assert_eq!(readiness.pending(), ["gossip", "lists"]);
        drop(gossip);
        assert_eq!(readiness.pending(), ["lists"]);
        drop(lists);
        assert!(readiness.pending().is_empty());
    }
}
