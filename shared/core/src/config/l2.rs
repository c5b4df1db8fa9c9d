//! Layer 2 advertisements as configured.

use std::collections::BTreeSet;

use super::Pool;
use crate::selector::{LabelSelector, any_matches};

/// Says that addresses of pools are answered for on the LAN, by which nodes and
/// on which interfaces. Field names in YAML are those of MetalLB's
/// `L2Advertisement`. Several for one pool add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct L2Advertisement {
    /// `name`: unique, not empty.
    pub name: String,
    /// `ipAddressPools`: names of pools.
    pub pools: BTreeSet<String>,
    /// `ipAddressPoolSelectors`: pools by their labels.
    pub pool_selectors: Vec<LabelSelector>,
    /// `nodeSelectors`: nodes that may announce; empty admits all.
    pub node_selectors: Vec<LabelSelector>,
    /// `interfaces`: names of the interfaces used; empty means every suitable.
    pub interfaces: BTreeSet<String>,
    /// `serviceSelectors`: Services that are announced; empty admits all.
    pub service_selectors: Vec<LabelSelector>,
    /// `preferredNodeSelectors`: nodes that go first among those admitted.
    pub preferred_nodes: Vec<PreferredNodes>,
}

/// One of `preferredNodeSelectors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredNodes {
    /// `weight`, 1 to 100; the weights of all that match a node add up.
    pub weight: u8,
    /// `preference`: which nodes it is about.
    pub preference: LabelSelector,
}

impl L2Advertisement {
    /// Whether it is about this pool: by name or by label; an advertisement
    /// without names and selectors is about every pool.
    #[must_use]
    pub fn selects(&self, pool: &Pool) -> bool {
        let every = self.pools.is_empty() && self.pool_selectors.is_empty();
        every || self.pools.contains(&pool.name) || any_matches(&self.pool_selectors, &pool.labels)
    }
}
