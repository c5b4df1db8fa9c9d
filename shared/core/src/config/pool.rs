//! Pools as configured. Pure.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::Serialize;

use crate::range::IpRange;
use crate::selector::{LabelSelector, Labels, any_matches};

/// A pool of addresses to assign. Field names in YAML are those of MetalLB's
/// `IPAddressPool`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// `name`: unique, not empty.
    pub name: String,
    /// `labels` (for an object: those of its metadata), matched by the selectors of
    /// advertisements.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// `addresses`: at least one; no overlap within or between pools; earlier
    /// ranges are used first.
    #[serde(rename = "addresses")]
    pub ranges: Vec<IpRange>,
    /// `autoAssign` (default true): whether Services may get an address from this
    /// pool without requesting it.
    pub auto_assign: bool,
    /// `avoidBuggyIPs` (default false): whether IPv4 addresses that end in .0
    /// or .255 are skipped, for old equipment that treats them as broadcasts.
    #[serde(rename = "avoidBuggyIPs")]
    pub avoid_buggy_ips: bool,
    /// `serviceAllocation`: which Services may use the pool. A pool with this
    /// field is pinned: it is tried before the general pools and is not one of
    /// them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_allocation: Option<ServiceAllocation>,
}

/// Which Services may use a pinned pool. Namespace and Service must both match,
/// also for a Service that requests an address or the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAllocation {
    /// `priority`: lower values are tried first; none (0 in YAML) is tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<NonZeroU32>,
    /// `namespaces`: allowed namespaces by name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub namespaces: BTreeSet<String>,
    /// `namespaceSelectors`: allowed namespaces by label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespace_selectors: Vec<LabelSelector>,
    /// `serviceSelectors`: allowed Services by label; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
    /// `fallback` (default true): whether an allowed Service may get an address
    /// from a general pool when its pinned pools are exhausted.
    pub fallback: bool,
    /// `maxPerNamespace`: maximum number of addresses of the pool per namespace
    /// and IP family; none means no limit.
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
    /// Whether a namespace is allowed, by name or by a selector. Without names and
    /// selectors every namespace is.
    #[must_use]
    pub fn admits_namespace(&self, name: &str, labels: &Labels) -> bool {
        let open = self.namespaces.is_empty() && self.namespace_selectors.is_empty();
        open || self.namespaces.contains(name) || any_matches(&self.namespace_selectors, labels)
    }

    /// Whether a Service is allowed by its labels.
    #[must_use]
    pub fn admits_service(&self, labels: &Labels) -> bool {
        self.service_selectors.is_empty() || any_matches(&self.service_selectors, labels)
    }
}
