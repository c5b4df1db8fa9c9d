//! Which nodes, and which links of this node, can announce an IP. Pure.
//!
//! A link on the IP's subnet is the right one. Only where no node at all has
//! a link on that subnet (pools that are routed to the LAN) any suitable link
//! will do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::ownership::Node;
use crate::wire::frame::Sender;
use crate::wire::mac::Mac;

/// A suitable link with carrier, as its node publishes it in gossip.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LanLink {
    /// The kernel's index, meaningful on its own node only.
    pub index: u32,
    /// The interface's name.
    pub name: String,
    /// Its hardware address: the node is known by it on the wire.
    pub mac: Mac,
    /// Its addresses with their prefix lengths.
    pub subnets: Vec<IpNet>,
}

impl LanLink {
    /// As whom this node asks on the link.
    #[must_use]
    pub fn sender(&self) -> Sender {
        let mut addresses = self.subnets.iter().map(IpNet::addr);
        Sender {
            mac: self.mac,
            link_local: addresses.find_map(link_local),
        }
    }

    fn is_on_subnet_of(&self, ip: IpAddr) -> bool {
        self.subnets.iter().any(|subnet| subnet.contains(&ip))
    }
}

fn link_local(ip: IpAddr) -> Option<Ipv6Addr> {
    match ip {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(ip),
        _ => None,
    }
}

/// The links of `node` on which `ip` may be announced, given every live node's
/// links.
#[must_use]
pub fn links_for(ip: IpAddr, node: &str, lan: &BTreeMap<Node, Vec<LanLink>>) -> BTreeSet<u32> {
    let Some(own) = lan.get(node) else {
        return BTreeSet::new();
    };
    let anywhere = lan.values().flatten().any(|link| link.is_on_subnet_of(ip));
    own.iter()
        .filter(|link| !anywhere || link.is_on_subnet_of(ip))
        .map(|link| link.index)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{LanLink, links_for};
    use crate::wire::mac::Mac;

    fn link(index: u32, subnet: &str) -> LanLink {
        LanLink {
            index,
            name: format!("eth{index}"),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            subnets: vec![subnet.parse().unwrap()],
        }
    }

    #[test]
    fn the_link_on_the_ips_subnet_is_used() {
        let links = vec![link(2, "10.77.0.11/24"), link(3, "10.99.0.11/24")];
        let lan = BTreeMap::from([("a".to_owned(), links)]);
        let found = links_for("10.77.0.240".parse().unwrap(), "a", &lan);
        assert_eq!(found, BTreeSet::from([2]));
    }

    #[test]
    fn a_node_without_the_subnet_cannot_announce_where_another_can() {
        let lan = BTreeMap::from([
            ("a".to_owned(), vec![link(2, "10.99.0.11/24")]),
            ("b".to_owned(), vec![link(2, "10.77.0.12/24")]),
        ]);
        let ip = "10.77.0.240".parse().unwrap();
        assert!(links_for(ip, "a", &lan).is_empty());
        assert_eq!(links_for(ip, "b", &lan), BTreeSet::from([2]));
    }

    #[test]
    fn a_link_asks_from_its_link_local_address() {
        let mut link = link(2, "2001:db8::11/64");
        assert_eq!(link.sender().link_local, None);
        link.subnets.push("fe80::11/64".parse().unwrap());
        assert_eq!(link.sender().link_local, "fe80::11".parse().ok());
    }

    #[test]
    fn a_routed_pool_is_announced_on_every_suitable_link() {
        let links = vec![link(2, "10.77.0.11/24"), link(3, "10.99.0.11/24")];
        let lan = BTreeMap::from([("a".to_owned(), links)]);
        let found = links_for("203.0.113.7".parse().unwrap(), "a", &lan);
        assert_eq!(found, BTreeSet::from([2, 3]));
    }
}
