//! Addresses that nodes, pods and Services have anyway: a pool that contains
//! some is told of, and used all the same. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ferrolb_core::config::Config;
use ferrolb_core::range::IpRange;
use ferrolb_runtime::kube::Change;

/// Nodes named at most in one warning.
const NAMED: usize = 3;

/// Whose addresses they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occupant {
    /// A node: one of its own addresses.
    Node,
    /// The pods on a node.
    Pods,
    /// Services inside the cluster.
    Services,
}

/// An object with the addresses that it occupies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupied {
    /// Name of the Node, or of the ServiceCIDR.
    pub name: String,
    /// Whose addresses, and which.
    pub ranges: Vec<(Occupant, IpRange)>,
}

/// Something to tell about a pool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Clash {
    pub(super) pool: String,
    pub(super) text: String,
}

/// What is occupied, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Ground {
    nodes: BTreeMap<String, Occupied>,
    services: BTreeMap<String, Occupied>,
    changed: bool,
    told: BTreeSet<Clash>,
}

impl Ground {
    pub(super) fn hear_nodes(&mut self, change: Change<Occupied>) {
        self.changed |= take(&mut self.nodes, change);
    }

    pub(super) fn hear_services(&mut self, change: Change<Occupied>) {
        self.changed |= take(&mut self.services, change);
    }

    /// Another configuration is in force.
    pub(super) fn reconsider(&mut self) {
        self.changed = true;
    }

    /// What there is to tell that was not told before. What is over may be told
    /// again.
    pub(super) fn news(&mut self, config: Option<&Config>) -> Vec<Clash> {
        let Some(config) = config.filter(|_| self.changed) else {
            return Vec::new();
        };
        self.changed = false;
        let now = self.clashes(config);
        let before = std::mem::replace(&mut self.told, now);
        self.told.difference(&before).cloned().collect()
    }

    /// One for each range of a pool and each kind of occupant, however many
    /// nodes are concerned.
    fn clashes(&self, config: &Config) -> BTreeSet<Clash> {
        let mut clashes = BTreeSet::new();
        let all: Vec<_> = self.nodes.values().chain(self.services.values()).collect();
        for pool in &config.pools {
            for range in &pool.ranges {
                let mut shared: BTreeMap<Occupant, Vec<String>> = BTreeMap::new();
                for occupied in &all {
                    for (occupant, taken) in &occupied.ranges {
                        if taken.overlaps(range) {
                            let text = described(*occupant, *taken, &occupied.name);
                            shared.entry(*occupant).or_default().push(text);
                        }
                    }
                }
                clashes.extend(shared.into_values().map(|places| Clash {
                    pool: pool.name.clone(),
                    text: sentence(&pool.name, *range, &places),
                }));
            }
        }
        clashes
    }
}

/// Whether anything is different now.
fn take(known: &mut BTreeMap<String, Occupied>, change: Change<Occupied>) -> bool {
    match change {
        Change::Apply(occupied) => {
            let before = known.insert(occupied.name.clone(), occupied.clone());
            before != Some(occupied)
        }
        Change::Delete(occupied) => known.remove(&occupied.name).is_some(),
        Change::Reset(all) => {
            let named = all.into_iter().map(|it| (it.name.clone(), it)).collect();
            let before = std::mem::replace(known, named);
            before != *known
        }
    }
}

fn described(occupant: Occupant, range: IpRange, name: &str) -> String {
    if range.first() == range.last() {
        return format!("{} ({occupant} {name})", range.first());
    }
    format!("{range} ({occupant} {name})")
}

fn sentence(pool: &str, range: IpRange, places: &[String]) -> String {
    let named: Vec<&str> = places.iter().take(NAMED).map(String::as_str).collect();
    let more = if places.len() > NAMED {
        " and more"
    } else {
        ""
    };
    format!(
        "pool {pool:?}: {range} overlaps {}{more}; such addresses must not be handed out",
        named.join(", ")
    )
}

impl fmt::Display for Occupant {
    /// Before a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Pods => "pods of node",
            Self::Services => "Services, ServiceCIDR",
        })
    }
}
