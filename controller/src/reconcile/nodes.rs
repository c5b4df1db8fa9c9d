//! Which Nodes are Ready, and what a change of that means for the Services they
//! announce. Only the cluster can tell that a node is gone; it is no proof,
//! since a speaker may outlive its kubelet. Pure.

use std::collections::BTreeSet;

use ferrolb_core::key::ObjectKey;

use super::Reconciler;

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

    /// Takes in how a node is; whether that is news.
    fn put(&mut self, name: &str, ready: bool) -> bool {
        match ready {
            true => self.ready.insert(name.to_owned()),
            false => self.ready.remove(name),
        }
    }
}

impl Reconciler {
    /// These Nodes are Ready, and no other.
    pub fn nodes_listed(&mut self, ready: BTreeSet<String>) {
        let nodes = &mut self.announcements.nodes;
        let first = !std::mem::replace(&mut nodes.listed, true);
        let before = std::mem::replace(&mut nodes.ready, ready);
        let said = &self.announcements;
        let keys: BTreeSet<ObjectKey> = if first {
            // Until now each node counted as Ready, and earlier doubts stayed.
            said.services().into_iter().collect()
        } else {
            let turned = before.symmetric_difference(&said.nodes.ready);
            turned.flat_map(|name| said.spoken_of_by(name)).collect()
        };
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// A Node is Ready now, or is not: its condition says so, or it is gone.
    /// Nodes change often for other reasons; then nothing is done.
    pub fn node_changed(&mut self, name: &str, ready: bool) {
        if self.announcements.nodes.put(name, ready) {
            let keys = self.announcements.spoken_of_by(name);
            keys.iter().for_each(|key| self.reconcile(key));
        }
    }
}
