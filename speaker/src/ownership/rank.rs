//! Who comes first for an IP: rendezvous rank, and a cap so that no node
//! carries more than its fair share. Pure; the same for everyone who sees the
//! same facts.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::{Node, Preference};

/// Rank of a node for an IP; the highest comes first (rendezvous hashing).
///
/// Part of the protocol: every speaker of every version must compute the same.
#[must_use]
pub fn rank(ip: IpAddr, node: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(ip.to_string());
    hash.update([0]);
    hash.update(node);
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |rank, byte| rank << 8 | u64::from(*byte))
}

/// How many IPs each node carries, counted while orphans are handed out.
#[derive(Debug, Clone, Default)]
pub(super) struct Loads {
    held: BTreeMap<Node, usize>,
    cap: usize,
}

impl Loads {
    /// Starts from what each live node holds; `ips` is the number of IPs that
    /// are to be spread over `nodes` nodes.
    pub(super) fn new(held: BTreeMap<Node, usize>, ips: usize, nodes: usize) -> Self {
        let cap = ips.div_ceil(nodes.max(1));
        Self { held, cap }
    }

    /// The order in which `eligible` nodes may take an orphaned `ip`: the most
    /// preferred first, among equals those that are not full. The first of them
    /// is charged with it.
    pub(super) fn place(&mut self, ip: IpAddr, eligible: &BTreeMap<Node, Preference>) -> Vec<Node> {
        let mut order: Vec<Node> = eligible.keys().cloned().collect();
        order.sort_by_cached_key(|node| {
            let preference = eligible.get(node).copied().unwrap_or_default();
            (
                Reverse(preference),
                self.is_full(node),
                Reverse(rank(ip, node)),
            )
        });
        if let Some(first) = order.first() {
            *self.held.entry(first.clone()).or_default() += 1;
        }
        order
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
            let order = loads.place(ip(last), &nodes(3));
            *taken.entry(order[0].clone()).or_default() += 1;
        }
        assert!(taken.values().all(|count| *count <= 7), "{taken:?}");
    }

    #[test]
    fn a_full_node_still_takes_what_nobody_else_may_have() {
        let mut loads = Loads::new(BTreeMap::from([("node-1".into(), 9)]), 10, 3);
        assert_eq!(loads.place(ip(1), &nodes(1)), ["node-1"]);
    }

    #[test]
    fn a_preferred_node_goes_first_even_when_it_is_full() {
        let mut eligible = nodes(3);
        eligible.insert("node-2".into(), 10);
        let mut loads = Loads::new(BTreeMap::from([("node-2".into(), 9)]), 10, 3);
        assert_eq!(loads.place(ip(1), &eligible)[0], "node-2");
    }

    #[test]
    fn losing_a_node_leaves_the_order_of_the_others() {
        let order = |eligible: &BTreeMap<String, u32>| {
            Loads::new(BTreeMap::new(), 1, 5).place(ip(7), eligible)
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
