//! The L2 advertisements of a configuration, evaluated for the existing Nodes:
//! the pool of an IP, and the nodes that each advertisement of that pool selects.
//! Pure; built again when the configuration or a Node changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

use ferrolb_core::config::{Config, L2Advertisement};
use ferrolb_core::key::NodeName;
use ferrolb_core::selector::{LabelSelector, Labels, any_matches};

use super::NodeView;
use super::node::{EligibilityByNode, Interfaces, NodeEligibility};
use crate::host::interfaces::Patterns;

/// The evaluated advertisements.
#[derive(Debug, Default)]
pub(super) struct Advertisements {
    /// The first and last address of each range, and the number of its pool.
    ranges: BTreeMap<IpAddr, (IpAddr, usize)>,
    /// The advertisements of each pool, by number.
    of_pool: Vec<Vec<usize>>,
    advertisements: Vec<Advertisement>,
}

#[derive(Debug)]
struct Advertisement {
    services: Vec<LabelSelector>,
    /// `None` selects every suitable interface.
    interfaces: Option<Vec<String>>,
    /// The selected nodes, each with the sum of the weights that match it.
    nodes: BTreeMap<NodeName, u32>,
}

impl Advertisements {
    pub(super) fn new(config: &Config, nodes: &BTreeMap<NodeName, NodeView>) -> Self {
        let mut ranges = BTreeMap::new();
        for (number, pool) in config.pools.iter().enumerate() {
            let of_pool = pool.ranges.iter();
            ranges.extend(of_pool.map(|range| (range.first(), (range.last(), number))));
        }
        let numbered = || config.l2_advertisements.iter().enumerate();
        let of_pool = config.pools.iter().map(|pool| {
            let selecting =
                numbered().filter(|(_, advertisement)| advertisement.pools.selects(pool));
            selecting.map(|(number, _)| number).collect()
        });
        Self {
            ranges,
            of_pool: of_pool.collect(),
            advertisements: numbered()
                .map(|(_, advertisement)| Advertisement::new(advertisement, nodes))
                .collect(),
        }
    }

    /// The nodes selected for an IP of a Service with these labels; `None` if no
    /// pool contains the IP, so that another provider announces it.
    pub(super) fn nodes_for(&self, ip: IpAddr, labels: &Labels) -> Option<EligibilityByNode> {
        let (_, (last, pool)) = self.ranges.range(..=ip).next_back()?;
        // IPv4 comes before IPv6 in the order, so the families cannot mix here.
        if ip > *last {
            return None;
        }
        let mut merged = BTreeMap::new();
        for number in self.of_pool.get(*pool)? {
            if let Some(advertisement) = self.advertisements.get(*number) {
                advertisement.add(labels, &mut merged);
            }
        }
        let eligibility = |(node, (interfaces, score)): (&NodeName, (Option<Vec<String>>, u32))| {
            let interfaces = interfaces.map(Patterns::new).map(Interfaces::named);
            let of_node = NodeEligibility {
                interfaces: interfaces.unwrap_or_default(),
                score,
                ineligible: None,
            };
            (node.clone(), of_node)
        };
        Some(merged.into_iter().map(eligibility).collect())
    }
}

impl Advertisement {
    fn new(advertisement: &L2Advertisement, nodes: &BTreeMap<NodeName, NodeView>) -> Self {
        let selected = nodes.values().filter(|node| {
            advertisement.node_selectors.is_empty()
                || any_matches(&advertisement.node_selectors, &node.labels)
        });
        let interfaces = advertisement.interfaces.iter().cloned().collect();
        Self {
            services: advertisement.service_selectors.clone(),
            interfaces: (!advertisement.interfaces.is_empty()).then_some(interfaces),
            nodes: selected
                .map(|node| (node.name.clone(), score(advertisement, &node.labels)))
                .collect(),
        }
    }

    /// Adds the nodes that it selects for a Service to those that others select:
    /// interfaces are united, scores summed.
    fn add<'a>(
        &'a self,
        labels: &Labels,
        merged: &mut BTreeMap<&'a NodeName, (Option<Vec<String>>, u32)>,
    ) {
        if !self.services.is_empty() && !any_matches(&self.services, labels) {
            return;
        }
        for (node, score) in &self.nodes {
            match merged.entry(node) {
                Entry::Vacant(vacant) => {
                    vacant.insert((self.interfaces.clone(), *score));
                }
                Entry::Occupied(mut occupied) => {
                    let (interfaces, sum) = occupied.get_mut();
                    unite(interfaces, self.interfaces.as_ref());
                    *sum = sum.saturating_add(*score);
                }
            }
        }
    }
}

fn unite(one: &mut Option<Vec<String>>, other: Option<&Vec<String>>) {
    match (one.as_mut(), other) {
        (Some(names), Some(more)) => names.extend_from_slice(more),
        _ => *one = None,
    }
}

fn score(advertisement: &L2Advertisement, labels: &Labels) -> u32 {
    let preferred = advertisement.preferred_nodes.iter();
    let matching = preferred.filter(|preferred| preferred.preference.matches(labels));
    matching.map(|preferred| u32::from(preferred.weight)).sum()
}
