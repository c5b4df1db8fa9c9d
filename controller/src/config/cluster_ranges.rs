//! Addresses that nodes, pods and Services already have: a pool that contains
//! some is reported, and used all the same. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ferrolb_core::change::Change;
use ferrolb_core::config::Config;
use ferrolb_core::range::IpRange;

/// Nodes named at most in one warning.
const NAMED: usize = 3;

/// Whose addresses they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RangeKind {
    /// A node: one of its own addresses.
    Node,
    /// The pods on a node.
    Pods,
    /// Services inside the cluster.
    Services,
}

/// A range that the cluster uses itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedRange {
    /// What it is used for.
    pub kind: RangeKind,
    /// The addresses.
    pub range: IpRange,
}

/// An object with the ranges that it reserves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterObject {
    /// Name of the Node, or of the ServiceCIDR.
    pub name: String,
    /// Its ranges.
    pub ranges: Vec<ReservedRange>,
}

/// A pool that overlaps reserved ranges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Overlap {
    pub(super) pool: String,
    pub(super) text: String,
}

/// The reserved ranges, and the overlaps already reported.
#[derive(Debug, Default)]
pub(super) struct ClusterRanges {
    nodes: BTreeMap<String, ClusterObject>,
    service_cidrs: BTreeMap<String, ClusterObject>,
    changed: bool,
    reported: BTreeSet<Overlap>,
}

impl ClusterRanges {
    pub(super) fn apply_nodes(&mut self, change: Change<ClusterObject, String>) {
        self.changed |= apply(&mut self.nodes, change);
    }

    pub(super) fn apply_service_cidrs(&mut self, change: Change<ClusterObject, String>) {
        self.changed |= apply(&mut self.service_cidrs, change);
    }

    /// Another configuration is in force.
    pub(super) fn reconsider(&mut self) {
        self.changed = true;
    }

    /// The overlaps not reported before. One that ends may be reported again.
    pub(super) fn new_overlaps(&mut self, config: Option<&Config>) -> Vec<Overlap> {
        let Some(config) = config.filter(|_| self.changed) else {
            return Vec::new();
        };
        self.changed = false;
        let now = self.overlaps(config);
        let before = std::mem::replace(&mut self.reported, now);
        self.reported.difference(&before).cloned().collect()
    }

    /// One for each range of a pool and each kind of reserved range, however
    /// many nodes are concerned.
    fn overlaps(&self, config: &Config) -> BTreeSet<Overlap> {
        let objects = self.nodes.values().chain(self.service_cidrs.values());
        let reserved =
            objects.flat_map(|object| object.ranges.iter().map(move |one| (object, one)));
        let reserved: Vec<_> = reserved.collect();
        let ranges = config
            .pools
            .iter()
            .flat_map(|pool| pool.ranges.iter().map(move |range| (pool, range)));
        let mut overlaps = BTreeSet::new();
        for (pool, range) in ranges {
            let mut shared: BTreeMap<RangeKind, Vec<String>> = BTreeMap::new();
            for (object, one) in &reserved {
                if one.range.overlaps(range) {
                    let places = shared.entry(one.kind).or_default();
                    places.push(described(**one, &object.name));
                }
            }
            overlaps.extend(shared.into_values().map(|places| Overlap {
                pool: pool.name.clone(),
                text: sentence(*range, &places),
            }));
        }
        overlaps
    }
}

/// Whether anything is different now.
fn apply(
    known: &mut BTreeMap<String, ClusterObject>,
    change: Change<ClusterObject, String>,
) -> bool {
    match change {
        Change::Apply(object) => {
            let before = known.insert(object.name.clone(), object.clone());
            before != Some(object)
        }
        Change::Delete(name) => known.remove(&name).is_some(),
        Change::Reset(all) => {
            let named = all.into_iter().map(|it| (it.name.clone(), it)).collect();
            let before = std::mem::replace(known, named);
            before != *known
        }
    }
}

fn described(ReservedRange { kind, range }: ReservedRange, name: &str) -> String {
    if range.first() == range.last() {
        return format!("{} ({kind} {name})", range.first());
    }
    format!("{range} ({kind} {name})")
}

fn sentence(range: IpRange, places: &[String]) -> String {
    let named: Vec<&str> = places.iter().take(NAMED).map(String::as_str).collect();
    let more = if places.len() > NAMED {
        " and more"
    } else {
        ""
    };
    format!("{range} overlaps {}{more}", named.join(", "))
}

impl fmt::Display for RangeKind {
    /// Before a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Pods => "pods of node",
            Self::Services => "Services, ServiceCIDR",
        })
    }
}
