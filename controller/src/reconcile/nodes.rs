//! Which Nodes are Ready, and which Services a change concerns. Only the cluster can tell that a node is gone; it is no proof,
//! since a speaker may outlive its kubelet. Pure.

use std::collections::BTreeSet;

/// Which Nodes are Ready.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// Whether the list is in; before, every node counts as Ready.
    pub(super) listed: bool,
    ready: BTreeSet<String>,
}

impl Nodes {
    /// Whether a node is Ready. One that does not exist is not.
    pub(super) fn is_ready(&self, name: &str) -> bool {
        !self.listed || self.ready.contains(name)
    }

    /// Takes in the list of Ready nodes. The nodes that differ; `None` for the
    /// first list.
    pub(super) fn reset(&mut self, ready: BTreeSet<String>) -> Option<BTreeSet<String>> {
        let first = !std::mem::replace(&mut self.listed, true);
        let before = std::mem::replace(&mut self.ready, ready);
        let changed = before.symmetric_difference(&self.ready).cloned().collect();
        (!first).then_some(changed)
    }

    /// Takes in how a node is; whether that is news.
    pub(super) fn put(&mut self, name: &str, ready: bool) -> bool {
        match ready {
            true => self.ready.insert(name.to_owned()),
            false => self.ready.remove(name),
        }
    }
}
