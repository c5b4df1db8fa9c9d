//! Which Nodes may not announce anything, whatever the advertisements select. Pure.

use std::collections::BTreeSet;

use ferrolb_core::ineligible::Ineligible;

use super::NodeView;

/// Well-known label: keep load balancers away from this Node.
const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// The properties of a Node that this installation lets keep it from announcing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// Keys of the taints with which a node is drained.
    pub drain_taints: BTreeSet<String>,
    /// The well-known exclude label is ignored.
    pub ignore_exclude_label: bool,
}

impl NodeFilter {
    /// Why this Node may not announce anything.
    #[must_use]
    pub fn check(&self, node: &NodeView) -> Option<Ineligible> {
        if !self.ignore_exclude_label && node.labels.contains_key(EXCLUDE_LABEL) {
            return Some(Ineligible::Excluded);
        }
        if node.network_unavailable {
            return Some(Ineligible::NetworkUnavailable);
        }
        let taint = node.taints.intersection(&self.drain_taints).next();
        let draining = |taint: &String| Ineligible::Draining {
            taint: taint.clone(),
        };
        taint.map(draining)
    }
}
