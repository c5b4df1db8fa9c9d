//! What keeps a node from announcing an IP that an advertisement lets it
//! announce. Pure.

use std::collections::BTreeSet;

use super::NodeView;

/// Well-known label: keep load balancers away from this Node.
const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// What this installation lets Nodes say against announcing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// Keys of the taints with which a node is being emptied.
    pub drain_taints: BTreeSet<String>,
    /// The well-known exclude label means nothing here.
    pub ignore_exclude_label: bool,
}

/// Why a node may not announce an IP now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ineligible {
    /// Its Node carries the well-known exclude label.
    Excluded,
    /// Its Node's condition `NetworkUnavailable` is true.
    NetworkUnavailable,
    /// Its Node has this taint, with which it is being emptied.
    Draining(String),
    /// No endpoint serves that traffic arriving here would reach.
    NoEndpoint,
}

impl NodeFilter {
    /// What the Node itself says against announcing anything.
    #[must_use]
    pub fn check(&self, node: &NodeView) -> Option<Ineligible> {
        if !self.ignore_exclude_label && node.labels.contains_key(EXCLUDE_LABEL) {
            return Some(Ineligible::Excluded);
        }
        if node.network_unavailable {
            return Some(Ineligible::NetworkUnavailable);
        }
        let taint = node.taints.intersection(&self.drain_taints).next();
        taint.map(|taint| Ineligible::Draining(taint.clone()))
    }
}
