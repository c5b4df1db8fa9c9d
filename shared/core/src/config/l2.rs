//! Layer 2 advertisements as configured. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use super::PoolSelection;
use crate::selector::LabelSelector;

/// Announces the addresses of pools on the LAN, from selected nodes and
/// interfaces. Field names in YAML are those of MetalLB's `L2Advertisement`.
/// Several advertisements for one pool are combined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct L2Advertisement {
    /// `name`: unique, not empty.
    pub name: String,
    /// `ipAddressPools` and `ipAddressPoolSelectors`.
    #[serde(flatten)]
    pub pools: PoolSelection,
    /// `nodeSelectors`: nodes that may announce; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `interfaces`: names of interfaces, with `*` at the end as a wildcard; empty
    /// means every suitable interface.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub interfaces: BTreeSet<String>,
    /// `serviceSelectors`: Services that are announced; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
    /// `preferredNodeSelectors`: nodes preferred among those that may announce.
    #[serde(
        rename = "preferredNodeSelectors",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub preferred_nodes: Vec<PreferredNodes>,
}

/// One of `preferredNodeSelectors`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PreferredNodes {
    /// `weight`, 1 to 100; the weights of all matching preferences are added.
    pub weight: u8,
    /// `preference`: the nodes it applies to.
    pub preference: LabelSelector,
}
