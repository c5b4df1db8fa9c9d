//! Pools as configured.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::Serialize;

use crate::range::IpRange;
use crate::selector::{LabelSelector, Labels, any_matches};

/// Addresses to hand out. Field names in YAML are those of MetalLB's
/// `IPAddressPool`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// `name`: unique, not empty.
    pub name: String,
    /// `labels` (of an object: those of its metadata), by which advertisements
    /// select pools.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// `addresses`: at least one, none overlapping another of any pool; earlier
    /// ones are used first.
    #[serde(rename = "addresses")]
    pub ranges: Vec<IpRange>,
    /// `autoAssign` (default true): whether a Service that asks for nothing may
    /// get an address from here.
    pub auto_assign: bool,
    /// `avoidBuggyIPs` (default false): whether IPv4 addresses that end in .0
    /// or .255 are left out, for old equipment that takes them for broadcasts.
    #[serde(rename = "avoidBuggyIPs")]
    pub avoid_buggy_ips: bool,
    /// `serviceAllocation`: for whom the pool is. A pool that has it is pinned:
    /// tried before the general pools, and never one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_allocation: Option<ServiceAllocation>,
}

/// For whom a pinned pool is: the namespace part and the Service part must
/// both admit a Service, also one that asks for an address or for the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAllocation {
    /// `priority`: lower is tried first; none (0 in YAML) comes last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<NonZeroU32>,
    /// `namespaces`: those admitted by name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub namespaces: BTreeSet<String>,
    /// `namespaceSelectors`: those admitted by their labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespace_selectors: Vec<LabelSelector>,
    /// `serviceSelectors`: Services admitted by their labels; empty admits all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
    /// `fallback` (default true): whether a Service admitted here may get an
    /// address of a general pool when the pinned pools have none.
    pub fallback: bool,
    /// `maxPerNamespace`: how many addresses of the pool the Services of one
    /// namespace may hold, for each family; none means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_namespace: Option<NonZeroU32>,
}

impl Default for ServiceAllocation {
    fn default() -> Self {
        Self {
            priority: None,
            namespaces: BTreeSet::new(),
            namespace_selectors: Vec::new(),
            service_selectors: Vec::new(),
            fallback: true,
            max_per_namespace: None,
        }
    }
}

impl ServiceAllocation {
    /// Whether a namespace is admitted: by name, or by one of the selectors.
    /// Without names and selectors every one is; selectors that match no
    /// namespace admit none.
    #[must_use]
    pub fn admits_namespace(&self, name: &str, labels: &Labels) -> bool {
        let open = self.namespaces.is_empty() && self.namespace_selectors.is_empty();
        open || self.namespaces.contains(name) || any_matches(&self.namespace_selectors, labels)
    }

    /// Whether a Service is admitted by its labels.
    #[must_use]
    pub fn admits_service(&self, labels: &Labels) -> bool {
        self.service_selectors.is_empty() || any_matches(&self.service_selectors, labels)
    }
}
