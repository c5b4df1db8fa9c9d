//! Which Nodes are Ready. Only the cluster can report that a node is gone; that is
//! not a proof, since a speaker may outlive its kubelet. Pure.

use std::collections::BTreeSet;

use ferrolb_core::change::Change;

/// Which Nodes are Ready.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    listed: bool,
    ready: BTreeSet<String>,
}

/// The Nodes that a change concerns.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// Every one: until the first list each counted as Ready.
    All,
    /// Those that became Ready, or ceased to be.
    These(BTreeSet<String>),
}

impl Nodes {
    /// Whether the first list has arrived; until then every node counts as Ready.
    pub(super) fn are_listed(&self) -> bool {
        self.listed
    }

    /// Whether a node is Ready. One that does not exist is not.
    pub(super) fn is_ready(&self, name: &str) -> bool {
        !self.listed || self.ready.contains(name)
    }

    /// Stores a change. Nodes change often for other reasons than readiness.
    pub(super) fn apply(&mut self, change: Change<(String, bool), String>) -> Turned {
        let turned = match change {
            Change::Apply((name, true)) => {
                let turned = self.ready.insert(name.clone());
                turned.then_some(name).into_iter().collect()
            }
            Change::Apply((name, false)) | Change::Delete(name) => {
                self.ready.take(&name).into_iter().collect()
            }
            Change::Reset(all) => {
                let ready = all.into_iter().filter(|(_, ready)| *ready);
                let ready = ready.map(|(name, _)| name).collect();
                let before = std::mem::replace(&mut self.ready, ready);
                if !std::mem::replace(&mut self.listed, true) {
                    return Turned::All;
                }
                before.symmetric_difference(&self.ready).cloned().collect()
            }
        };
        Turned::These(turned)
    }
}

#[cfg(test)]
mod tests {
    use ferrolb_core::change::Change;

    use super::{Nodes, Turned};

    fn these(names: &[&str]) -> Turned {
        Turned::These(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn list(nodes: &[(&str, bool)]) -> Change<(String, bool), String> {
        let nodes = nodes.iter();
        Change::Reset(
            nodes
                .map(|(name, ready)| ((*name).to_owned(), *ready))
                .collect(),
        )
    }

    #[test]
    fn names_the_nodes_that_turned() {
        let mut nodes = Nodes::default();
        assert!(nodes.is_ready("a"));
        assert_eq!(nodes.apply(list(&[("a", true), ("b", false)])), Turned::All);
        assert!(nodes.is_ready("a") && !nodes.is_ready("b") && !nodes.is_ready("c"));
        let one = |name: &str, ready| Change::Apply((name.to_owned(), ready));
        assert_eq!(nodes.apply(one("a", true)), these(&[]));
        assert_eq!(nodes.apply(one("b", true)), these(&["b"]));
        assert_eq!(nodes.apply(Change::Delete("b".to_owned())), these(&["b"]));
        assert_eq!(nodes.apply(list(&[("c", true)])), these(&["a", "c"]));
    }
}
