//! Which Nodes are Ready, and which Services a change concerns. Only the cluster can tell that a node is gone; it is no proof,
//! since a speaker may outlive its kubelet. Pure.

use std::collections::BTreeSet;

use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;

use super::announcements::Announcements;

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

impl Announcements {
    /// Takes in which Nodes are Ready; the Services that this concerns. Nodes
    /// change often for other reasons; then there are none.
    pub(super) fn change_nodes(
        &mut self,
        change: Change<(String, bool), String>,
    ) -> BTreeSet<ObjectKey> {
        let (name, ready) = match change {
            Change::Apply(node) => node,
            Change::Delete(name) => (name, false),
            Change::Reset(all) => return self.reset_nodes(all),
        };
        match self.nodes.put(&name, ready) {
            true => self.reported_by(&name).into_iter().collect(),
            false => BTreeSet::new(),
        }
    }

    fn reset_nodes(&mut self, all: Vec<(String, bool)>) -> BTreeSet<ObjectKey> {
        let ready = all.into_iter().filter(|(_, ready)| *ready);
        let ready = ready.map(|(name, _)| name).collect();
        let first = !std::mem::replace(&mut self.nodes.listed, true);
        let before = std::mem::replace(&mut self.nodes.ready, ready);
        if first {
            // Until now each node counted as Ready, and earlier doubts stayed.
            return self.services().into_iter().collect();
        }
        let changed = before.symmetric_difference(&self.nodes.ready);
        changed.flat_map(|name| self.reported_by(name)).collect()
    }
}
