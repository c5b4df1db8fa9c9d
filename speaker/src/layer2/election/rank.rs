//! The order of the nodes for an IP: rendezvous rank, with a cap so that no node holds
//! more than its fair share. Pure; the same on all nodes that see the same input.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use ferrolb_core::key::NodeName;

use super::Preference;

/// Rank of a node for an IP; the highest comes first (rendezvous hashing).
///
/// Part of the protocol: every speaker of every version must compute the same.
#[must_use]
pub fn rank(ip: IpAddr, node: &str) -> u64 {
    Ranker::new(ip).rank(node)
}

/// Ranks several nodes for one IP.
struct Ranker(Sha256);

impl Ranker {
    fn new(ip: IpAddr) -> Self {
        let mut hash = Sha256::new();
        hash.update(ip.to_string());
        hash.update([0]);
        Self(hash)
    }

    fn rank(&self, node: &str) -> u64 {
        let mut hash = self.0.clone();
        hash.update(node);
        let digest = hash.finalize();
        let leading = digest.iter().take(8);
        leading.fold(0, |rank, byte| rank << 8 | u64::from(*byte))
    }
}

/// The number of IPs that each node holds, updated while orphaned IPs are assigned.
#[derive(Debug, Clone, Default)]
pub(super) struct Loads {
    held: BTreeMap<NodeName, usize>,
    cap: usize,
}

impl Loads {
    /// Starts from what each live node holds; `ips` IPs are to be spread over `nodes`
    /// nodes.
    pub(super) fn new(held: BTreeMap<NodeName, usize>, ips: usize, nodes: usize) -> Self {
        let cap = ips.div_ceil(nodes.max(1));
        Self { held, cap }
    }

    /// The order in which `eligible` nodes may take an orphaned `ip`: the most
    /// preferred first, among equals those that are not full. The first of them
    /// is charged with it.
    pub(super) fn order<'e>(
        &mut self,
        ip: IpAddr,
        eligible: impl IntoIterator<Item = (&'e NodeName, Preference)>,
    ) -> Vec<&'e NodeName> {
        let ranker = Ranker::new(ip);
        let mut order: Vec<(&NodeName, Preference)> = eligible.into_iter().collect();
        order.sort_by_cached_key(|all| (self.class(*all), Reverse(ranker.rank(all.0))));
        let order: Vec<&NodeName> = order.into_iter().map(|(node, _)| node).collect();
        if let Some(first) = order.first() {
            self.charge(first);
        }
        order
    }

    /// The first in that order, charged with the IP.
    pub(super) fn first<'e>(
        &mut self,
        ip: IpAddr,
        eligible: impl IntoIterator<Item = (&'e NodeName, Preference)>,
    ) -> Option<&'e NodeName> {
        let classed = eligible.into_iter().map(|all| (self.class(all), all.0));
        let classed: Vec<_> = classed.collect();
        let best = classed.iter().map(|(class, _)| *class).min()?;
        let among = classed.into_iter().filter(|(class, _)| *class == best);
        let ranker = Ranker::new(ip);
        let (_, first) = among.max_by_key(|(_, node)| ranker.rank(node))?;
        self.charge(first);
        Some(first)
    }

    /// The criteria that come before rank.
    fn class(&self, (node, preference): (&NodeName, Preference)) -> (Reverse<Preference>, bool) {
        (Reverse(preference), self.is_full(node))
    }

    fn charge(&mut self, node: &NodeName) {
        match self.held.get_mut(node) {
            Some(held) => *held += 1,
            None => drop(self.held.insert(node.clone(), 1)),
        }
    }

    fn is_full(&self, node: &str) -> bool {
        self.held.get(node).is_some_and(|held| *held >= self.cap)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Loads, rank};

    fn ip(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    fn nodes(count: usize) -> BTreeMap<String, u32> {
        (1..=count).map(|i| (format!("node-{i}"), 0)).collect()
    }

    fn order_of(loads: &mut Loads, ip: IpAddr, eligible: &BTreeMap<String, u32>) -> Vec<String> {
        let eligible = eligible
            .iter()
            .map(|(node, preference)| (node, *preference));
        loads.order(ip, eligible).into_iter().cloned().collect()
    }

    #[test]
    fn rank_is_part_of_the_protocol() {
        // Computed by `printf '192.0.2.1\0node-1' | sha256sum`.
        assert_eq!(rank(ip(1), "node-1"), 0x43ab6c4ea88cd256);
    }

    #[test]
    fn orphans_are_spread_within_the_cap() {
        let mut loads = Loads::new(BTreeMap::new(), 20, 3);
        let mut taken = BTreeMap::<String, usize>::new();
        for last in 0..20 {
            let order = order_of(&mut loads, ip(last), &nodes(3));
            *taken.entry(order[0].clone()).or_default() += 1;
        }
        assert!(taken.values().all(|count| *count <= 7), "{taken:?}");
    }

    #[test]
    fn the_first_alone_is_the_first_of_the_whole_order() {
        let mut eligible = nodes(7);
        eligible.insert("node-4".into(), 3);
        eligible.insert("node-6".into(), 3);
        let (mut whole, mut alone) = (loads(), loads());
        for last in 0..100 {
            let order = order_of(&mut whole, ip(last), &eligible);
            let preferences = eligible.iter().map(|(node, it)| (node, *it));
            assert_eq!(alone.first(ip(last), preferences), order.first());
        }
    }

    fn loads() -> Loads {
        Loads::new(BTreeMap::from([("node-4".into(), 9)]), 100, 7)
    }

    #[test]
    fn a_full_node_still_takes_what_nobody_else_may_have() {
        let mut loads = Loads::new(BTreeMap::from([("node-1".into(), 9)]), 10, 3);
        assert_eq!(order_of(&mut loads, ip(1), &nodes(1)), ["node-1"]);
    }

    #[test]
    fn a_preferred_node_goes_first_even_when_it_is_full() {
        let mut eligible = nodes(3);
        eligible.insert("node-2".into(), 10);
        let mut loads = Loads::new(BTreeMap::from([("node-2".into(), 9)]), 10, 3);
        assert_eq!(order_of(&mut loads, ip(1), &eligible)[0], "node-2");
    }

    #[test]
    fn losing_a_node_leaves_the_order_of_the_others() {
        let order = |eligible: &BTreeMap<String, u32>| {
            order_of(&mut Loads::new(BTreeMap::new(), 1, 5), ip(7), eligible)
        };
        let all = order(&nodes(5));
        let mut fewer = nodes(5);
        fewer.remove(&all[2]);
        let expected: Vec<_> = all
            .iter()
            .filter(|node| **node != all[2])
            .cloned()
            .collect();
        assert_eq!(order(&fewer), expected);
    }
}
