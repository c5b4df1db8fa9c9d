//! Layer 2 advertisements as configured.

use std::collections::BTreeSet;

use serde::Serialize;

use super::PoolSelection;
use crate::selector::LabelSelector;

/// Says that addresses of pools are answered for on the LAN, by which nodes and
/// on which interfaces. Field names in YAML are those of MetalLB's
/// `L2Advertisement`. Several for one pool add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct L2Advertisement {
    /// `name`: unique, not empty.
    pub name: String,
    /// `ipAddressPools` and `ipAddressPoolSelectors`.
    #[serde(flatten)]
    pub pools: PoolSelection,
    /// `nodeSelectors`: nodes that may announce; empty admits all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `interfaces`: names of the interfaces used, a `*` at the end standing for
    /// any rest; empty means every suitable.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub interfaces: BTreeSet<String>,
    /// `serviceSelectors`: Services that are announced; empty admits all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
    /// `preferredNodeSelectors`: nodes that go first among those admitted.
    #[serde(
        rename = "preferredNodeSelectors",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub preferred_nodes: Vec<PreferredNodes>,
}

/// One of `preferredNodeSelectors`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PreferredNodes {
    /// `weight`, 1 to 100; the weights of all that match a node add up.
    pub weight: u8,
    /// `preference`: which nodes it is about.
    pub preference: LabelSelector,
}
