//! On which links of which nodes an IP can be announced. Pure.
//!
//! Of the links that the advertisements allow, those on the IP's subnet are used.
//! Only if no node has such a link (pools that are routed to the LAN, NICs
//! without an address), any allowed link is used.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::eligibility::{EligibilityByNode, Ineligible, Interfaces};
use crate::layer2::wire::frame::Sender;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// A suitable link with carrier, as its node publishes it in gossip.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LanLink {
    /// The kernel's index, meaningful on its own node only.
    pub index: u32,
    /// The interface's name.
    pub name: String,
    /// Its hardware address, by which the node is known on the LAN.
    pub mac: Mac,
    /// Its addresses with their prefix lengths.
    pub subnets: Vec<IpNet>,
}

impl LanLink {
    /// The source of this node's probes on the link.
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

/// The links of each live node.
pub type Lan = BTreeMap<NodeName, Vec<LanLink>>;

/// For each link of the LAN, in order, whether an IP is on its subnet: IPs with
/// the same result can be announced on the same links.
#[must_use]
pub fn neighbourhood(ip: IpAddr, lan: &Lan) -> Vec<bool> {
    let links = lan.values().flatten();
    links.map(|link| link.is_on_subnet_of(ip)).collect()
}

/// For each eligible node that has any: its links on which `ip` may be announced,
/// given the links of all live nodes.
#[must_use]
pub fn links_for<'a>(
    ip: IpAddr,
    eligibility: &'a EligibilityByNode,
    lan: &Lan,
) -> BTreeMap<&'a NodeName, BTreeSet<u32>> {
    let mut allowed: Vec<(&NodeName, &LanLink)> = Vec::new();
    for (node, eligible) in eligibility {
        let links = lan.get(node).into_iter().flatten();
        let admitted = links.filter(|link| eligible.interfaces.allow(&link.name));
        allowed.extend(admitted.map(|link| (node, link)));
    }
    if allowed.iter().any(|(_, link)| link.is_on_subnet_of(ip)) {
        allowed.retain(|(_, link)| link.is_on_subnet_of(ip));
    }
    let mut links: BTreeMap<&NodeName, BTreeSet<u32>> = BTreeMap::new();
    for (node, link) in allowed {
        links.entry(node).or_default().insert(link.index);
    }
    links
}

/// Why a node whose speaker lives cannot announce `ip` on any of its links, given
/// those with carrier and those without.
#[must_use]
pub fn link_reason(
    ip: IpAddr,
    interfaces: &Interfaces,
    links: &[LanLink],
    down: &[LanLink],
) -> Ineligible {
    let is_selected = |link: &&LanLink| interfaces.allow(&link.name);
    let mut lost = down.iter().filter(is_selected);
    if lost.any(|link| link.is_on_subnet_of(ip)) {
        return Ineligible::LinkDown;
    }
    if links.is_empty() {
        return Ineligible::NoLink;
    }
    match links.iter().find(is_selected) {
        Some(_) => Ineligible::NotInSubnet,
        None => Ineligible::InterfaceNotSelected,
    }
}

#[cfg(test)]
mod tests {
    use super::{Lan, LanLink, links_for};
    use crate::eligibility::{EligibilityByNode, Interfaces, NodeEligibility};
    use crate::host::interfaces::Patterns;
    use ferrolb_core::mac::Mac;

    fn link(index: u32, subnet: &str) -> LanLink {
        LanLink {
            index,
            name: format!("eth{index}"),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            subnets: vec![subnet.parse().unwrap()],
        }
    }

    fn lan(nodes: &[(&str, &[LanLink])]) -> Lan {
        let owned = nodes.iter();
        owned
            .map(|(node, links)| ((*node).to_owned(), links.to_vec()))
            .collect()
    }

    /// EligibilityByNode for each node of the LAN on interfaces that match the patterns;
    /// no pattern allows all.
    fn eligibility(nodes: &[(&str, &[&str])]) -> EligibilityByNode {
        let node_eligibility = |(node, patterns): &(&str, &[&str])| {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            let named = (!patterns.is_empty()).then(|| Interfaces::named(Patterns::new(patterns)));
            let node_eligibility = NodeEligibility {
                interfaces: named.unwrap_or_default(),
                ..NodeEligibility::default()
            };
            ((*node).to_owned(), node_eligibility)
        };
        nodes.iter().map(node_eligibility).collect()
    }

    fn found(ip: &str, eligibility: &EligibilityByNode, lan: &Lan) -> Vec<(String, Vec<u32>)> {
        let links = links_for(ip.parse().unwrap(), eligibility, lan).into_iter();
        links
            .map(|(node, links)| (node.clone(), links.into_iter().collect()))
            .collect()
    }

    #[test]
    fn the_link_on_the_ips_subnet_is_used() {
        let lan = lan(&[("a", &[link(2, "10.77.0.11/24"), link(3, "10.99.0.11/24")])]);
        let eligibility = eligibility(&[("a", &[])]);
        assert_eq!(
            found("10.77.0.240", &eligibility, &lan),
            [("a".to_owned(), vec![2])]
        );
    }

    #[test]
    fn a_node_without_the_subnet_cannot_announce_where_another_can() {
        let lan = lan(&[
            ("a", &[link(2, "10.99.0.11/24")]),
            ("b", &[link(2, "10.77.0.12/24")]),
        ]);
        let both = eligibility(&[("a", &[]), ("b", &[])]);
        assert_eq!(
            found("10.77.0.240", &both, &lan),
            [("b".to_owned(), vec![2])]
        );
    }

    #[test]
    fn the_links_of_an_ineligible_node_do_not_count() {
        let lan = lan(&[
            ("a", &[link(2, "10.99.0.11/24")]),
            ("b", &[link(2, "10.77.0.12/24")]),
        ]);
        let one = eligibility(&[("a", &[])]);
        assert_eq!(
            found("10.77.0.240", &one, &lan),
            [("a".to_owned(), vec![2])]
        );
    }

    #[test]
    fn only_the_interfaces_that_are_allowed_are_used() {
        let links = [link(2, "10.77.0.11/24"), link(3, "10.77.0.21/24")];
        let lan = lan(&[("a", &links), ("b", &[link(2, "10.77.0.12/24")])]);
        let on_eth3 = eligibility(&[("a", &["eth3"]), ("b", &["eth3"])]);
        assert_eq!(
            found("10.77.0.240", &on_eth3, &lan),
            [("a".to_owned(), vec![3])]
        );
        let on_any = eligibility(&[("a", &["eth*"]), ("b", &["wan0"])]);
        assert_eq!(
            found("10.77.0.240", &on_any, &lan),
            [("a".to_owned(), vec![2, 3])]
        );
    }

    #[test]
    fn an_allowed_interface_off_the_subnet_is_used_if_no_other_is_allowed() {
        let links = [link(2, "10.77.0.11/24"), link(3, "10.99.0.11/24")];
        let lan = lan(&[("a", &links)]);
        let on_eth3 = eligibility(&[("a", &["eth3"])]);
        assert_eq!(
            found("10.77.0.240", &on_eth3, &lan),
            [("a".to_owned(), vec![3])]
        );
    }

    #[test]
    fn a_link_probes_from_its_link_local_address() {
        let mut link = link(2, "2001:db8::11/64");
        assert_eq!(link.sender().link_local, None);
        link.subnets.push("fe80::11/64".parse().unwrap());
        assert_eq!(link.sender().link_local, "fe80::11".parse().ok());
    }

    #[test]
    fn a_routed_pool_is_announced_on_every_suitable_link() {
        let links = [link(2, "10.77.0.11/24"), link(3, "10.99.0.11/24")];
        let lan = lan(&[("a", &links)]);
        let eligibility = eligibility(&[("a", &[])]);
        assert_eq!(
            found("203.0.113.7", &eligibility, &lan),
            [("a".to_owned(), vec![2, 3])]
        );
    }
}
