//! The liveness probes that this node sends, and on which links. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::layer2::links::LanLink;
use crate::layer2::snapshot::Snapshot;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// The most IPs of one owner that are probed in turn.
const IPS: usize = 64;
/// The most reference peers on one link.
const REFERENCE_PEERS: usize = 8;

/// A liveness probe to one host on one of this node's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// Kernel index of this node's link.
    pub link: u32,
    /// The address to probe.
    pub ip: IpAddr,
    /// The host to send it to.
    pub mac: Mac,
}

/// The probes to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// For each owner whose first successor this node is.
    pub owners: BTreeMap<NodeName, Vec<Probe>>,
    /// For each of this node's links the other members on it, probed for their own
    /// addresses.
    pub reference_peers: BTreeMap<u32, Vec<(NodeName, Probe)>>,
}

impl Targets {
    /// The addresses whose answers have to be reported.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let owners = self.owners.values().flatten();
        let reference_peers = self.reference_peers.values().flatten().map(|(_, it)| it);
        owners.chain(reference_peers).map(|probe| probe.ip)
    }
}

/// Owners to monitor, each with its IPs.
pub type IpsByOwner = BTreeMap<NodeName, BTreeSet<IpAddr>>;

/// The probes for the owners to monitor.
#[must_use]
pub fn choose_targets(
    monitored: &IpsByOwner,
    snapshot: &Snapshot,
    own_links: &[LanLink],
) -> Targets {
    let owners = monitored.iter().map(|(owner, ips)| {
        let ips = ips.iter().take(IPS);
        let probes = ips.flat_map(|ip| probes_for(*ip, owner, snapshot, own_links));
        (owner.clone(), probes.collect::<Vec<_>>())
    });
    let used: BTreeSet<u32> = snapshot.links.values().flatten().copied().collect();
    let reference_peers = own_links
        .iter()
        .filter(|link| used.contains(&link.index))
        .map(|link| (link.index, reference_peers(link, snapshot)));
    Targets {
        owners: owners.filter(|(_, probes)| !probes.is_empty()).collect(),
        reference_peers: reference_peers.filter(|(_, all)| !all.is_empty()).collect(),
    }
}

/// One IP, on each of this node's links for it, to each link of its owner there.
fn probes_for(ip: IpAddr, owner: &str, snapshot: &Snapshot, own_links: &[LanLink]) -> Vec<Probe> {
    let theirs = snapshot
        .lan
        .get(owner)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let allowed = snapshot.links.get(&ip);
    let ours = own_links.iter();
    let ours = ours.filter(|link| allowed.is_some_and(|links| links.contains(&link.index)));
    let probe = |link: &LanLink, (_, mac): (IpAddr, Mac)| Probe {
        link: link.index,
        ip,
        mac,
    };
    ours.flat_map(|link| neighbours(link, theirs).map(move |near| probe(link, near)))
        .collect()
}

/// The other live members on a link, each probed for its own address there.
fn reference_peers(link: &LanLink, snapshot: &Snapshot) -> Vec<(NodeName, Probe)> {
    let others = snapshot
        .input
        .others
        .iter()
        .filter(|(_, other)| other.alive);
    let near = others.filter_map(|(node, _)| {
        let (ip, mac) = neighbours(link, snapshot.lan.get(node)?).next()?;
        let probe = Probe {
            link: link.index,
            ip,
            mac,
        };
        Some((node.clone(), probe))
    });
    near.take(REFERENCE_PEERS).collect()
}

/// Those of `theirs` that are on a subnet of `link`: address and MAC.
fn neighbours(link: &LanLink, theirs: &[LanLink]) -> impl Iterator<Item = (IpAddr, Mac)> {
    let near = move |subnet: &&IpNet| is_near(link, subnet.addr());
    theirs.iter().filter_map(move |other| {
        let address = other.subnets.iter().find(near)?.addr();
        Some((address, other.mac))
    })
}

/// Link-local addresses are the same on every link and prove nothing.
fn is_near(link: &LanLink, ip: IpAddr) -> bool {
    let link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    !link_local && link.subnets.iter().any(|subnet| subnet.contains(&ip))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::IpAddr;

    use super::{Probe, choose_targets};
    use crate::layer2::election::MemberState;
    use crate::layer2::links::LanLink;
    use crate::layer2::snapshot::Snapshot;
    use ferrolb_core::mac::Mac;

    fn link(index: u32, mac: u8, subnets: &[&str]) -> LanLink {
        LanLink {
            index,
            name: format!("eth{index}"),
            mac: Mac([2, 0, 0, 0, 0, mac]),
            subnets: subnets.iter().map(|net| net.parse().unwrap()).collect(),
        }
    }

    fn probe(link: u32, ip: IpAddr, mac: u8) -> Probe {
        Probe {
            link,
            ip,
            mac: Mac([2, 0, 0, 0, 0, mac]),
        }
    }

    /// This node has two links; `b` is on both, `c` on the second.
    fn scene() -> (Snapshot, Vec<LanLink>) {
        let own = vec![
            link(2, 1, &["10.7.0.1/24", "fe80::1/64"]),
            link(3, 11, &["10.9.0.1/24"]),
        ];
        let mut snapshot = Snapshot::default();
        let b = vec![
            link(5, 2, &["10.9.0.2/24"]),
            link(6, 22, &["fe80::2/64", "10.7.0.2/24"]),
        ];
        let c = vec![link(2, 3, &["10.9.0.3/24"])];
        snapshot.lan = BTreeMap::from([("b".to_owned(), b), ("c".to_owned(), c)]);
        for node in ["b", "c"] {
            let state = MemberState {
                alive: true,
                ..MemberState::default()
            };
            snapshot.input.others.insert(node.to_owned(), state);
        }
        (snapshot, own)
    }

    #[test]
    fn an_owner_is_probed_from_and_to_the_links_on_the_same_subnet() {
        let (mut snapshot, own) = scene();
        let ip: IpAddr = "10.7.0.240".parse().unwrap();
        snapshot.links.insert(ip, BTreeSet::from([2]));
        let watch = BTreeMap::from([("b".to_owned(), BTreeSet::from([ip]))]);
        let targets = choose_targets(&watch, &snapshot, &own);
        assert_eq!(targets.owners["b"], [probe(2, ip, 22)]);
    }

    #[test]
    fn live_members_on_a_link_are_its_reference_peers() {
        let (mut snapshot, own) = scene();
        for (ip, link) in [("10.7.0.240", 2), ("10.9.0.240", 3)] {
            snapshot
                .links
                .insert(ip.parse().unwrap(), BTreeSet::from([link]));
        }
        let probes = |targets: super::Targets| {
            let all = targets.reference_peers.into_iter();
            all.map(|(link, all)| (link, all.into_iter().map(|(_, it)| it).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        let b_on_2 = probe(2, "10.7.0.2".parse().unwrap(), 22);
        let b_on_3 = probe(3, "10.9.0.2".parse().unwrap(), 2);
        let c_on_3 = probe(3, "10.9.0.3".parse().unwrap(), 3);
        let targets = choose_targets(&BTreeMap::new(), &snapshot, &own);
        assert_eq!(
            probes(targets),
            [(2, vec![b_on_2]), (3, vec![b_on_3, c_on_3])]
        );
        let of_2: IpAddr = "10.7.0.240".parse().unwrap();
        snapshot.links.remove(&of_2);
        let targets = choose_targets(&BTreeMap::new(), &snapshot, &own);
        assert_eq!(targets.reference_peers.len(), 1, "link 2 carries no IP");
        snapshot.input.others.get_mut("b").unwrap().alive = false;
        let targets = choose_targets(&BTreeMap::new(), &snapshot, &own);
        assert_eq!(probes(targets), [(3, vec![c_on_3])]);
    }
}
