//! Which pools an advertisement selects, independent of the protocol. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Pool;
use crate::selector::{LabelSelector, any_matches};

/// Pools by name or by label; without names and selectors, every pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PoolSelection {
    /// `ipAddressPools`: names of pools.
    #[serde(rename = "ipAddressPools", skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<String>,
    /// `ipAddressPoolSelectors`: pools by their labels.
    #[serde(
        rename = "ipAddressPoolSelectors",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub selectors: Vec<LabelSelector>,
}

impl PoolSelection {
    /// Whether the pool is selected.
    #[must_use]
    pub fn selects(&self, pool: &Pool) -> bool {
        let every = self.names.is_empty() && self.selectors.is_empty();
        every || self.names.contains(&pool.name) || any_matches(&self.selectors, &pool.labels)
    }
}
