//! Whether and how a node may announce an IP, by policy. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::ineligible::Ineligible;
use ferrolb_core::key::NodeName;

use crate::host::interfaces::Patterns;

/// The interfaces on which a node may announce an IP: those that every one of
/// the lists names; without a list all suitable ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interfaces(Vec<Patterns>);

impl Interfaces {
    /// Those that the patterns match.
    #[must_use]
    pub fn named(patterns: Patterns) -> Self {
        Self(vec![patterns])
    }

    /// Whether an interface of this name is one of them.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        self.0.iter().all(|list| list.matching(name).is_some())
    }

    /// Those of both, for Services that share an IP.
    fn and(mut self, other: &Self) -> Self {
        for list in &other.0 {
            if !self.0.contains(list) {
                self.0.push(list.clone());
            }
        }
        self
    }
}

/// What policy lets a node do for an IP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeEligibility {
    /// The interfaces on which it may announce.
    pub interfaces: Interfaces,
    /// How much it is preferred: the sum of the weights that match it.
    pub score: u32,
    /// Why it may not announce the IP now.
    pub ineligible: Option<Ineligible>,
}

impl NodeEligibility {
    /// For Services that share an IP: what holds for both.
    fn and(self, other: &Self) -> Self {
        Self {
            interfaces: self.interfaces.and(&other.interfaces),
            score: self.score.saturating_add(other.score),
            ineligible: self.ineligible.or_else(|| other.ineligible.clone()),
        }
    }
}

/// The nodes that the advertisements select for one IP.
pub type EligibilityByNode = BTreeMap<NodeName, NodeEligibility>;

/// The IPs that Services want announced. Few change at a time, and the agent keeps
/// the map too, so the values are shared.
pub type DesiredIps = BTreeMap<IpAddr, Arc<DesiredIp>>;

/// An IP that Services want announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredIp {
    /// The nodes that the advertisements select.
    pub nodes: EligibilityByNode,
    /// Each of the Services that share the IP has an eligible node, but no node
    /// is eligible for all of them.
    pub no_common_node: bool,
}

impl DesiredIp {
    /// Services that share an IP have one owner, which serves all of them.
    pub(super) fn shared(services: Vec<EligibilityByNode>) -> Self {
        let each_served = services.iter().all(has_eligible);
        let together = services.into_iter().reduce(both).unwrap_or_default();
        Self {
            no_common_node: each_served && !has_eligible(&together),
            nodes: together,
        }
    }

    /// The nodes that may announce it now.
    pub fn eligible(&self) -> impl Iterator<Item = &NodeName> {
        let eligible = self.nodes.iter().filter(|(_, it)| it.ineligible.is_none());
        eligible.map(|(node, _)| node)
    }
}

fn has_eligible(nodes: &EligibilityByNode) -> bool {
    nodes.values().any(|node| node.ineligible.is_none())
}

fn both(one: EligibilityByNode, other: EligibilityByNode) -> EligibilityByNode {
    let both = one.into_iter().filter_map(|(node, eligibility)| {
        let eligibility = eligibility.and(other.get(&node)?);
        Some((node, eligibility))
    });
    both.collect()
}
