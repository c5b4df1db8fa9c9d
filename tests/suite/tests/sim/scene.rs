//! Common to all runs: durations, addresses, links, and eligibility.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ferrolb_core::mac::Mac;
use ferrolb_speaker::eligibility::{DesiredIp, DesiredIps, Ineligible, NodeEligibility};
use ferrolb_speaker::layer2::links::LanLink;

use crate::member::node_name;

/// The gossip interval.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);
/// `Gossip::detection_time` for it.
pub(crate) const DETECTION: Duration = Duration::from_millis(250);
/// For how long a suspect's IP is probed before it is taken over.
pub(crate) const PROBE_TIME: Duration = Duration::from_millis(60);
/// For how long an IP is probed that no node announced before.
pub(crate) const INITIAL_PROBE: Duration = Duration::from_millis(300);
/// The gap between announcements when nothing changes.
pub(crate) const REFRESH: Duration = Duration::from_secs(60);
/// The kernel index of each station's only link.
pub(crate) const LINK: u32 = 2;

/// The desired IPs: every second one is an IPv6 address.
pub(crate) fn ips(count: usize) -> Vec<IpAddr> {
    (0..count).map(ip).collect()
}

fn ip(index: usize) -> IpAddr {
    let number = u16::try_from(index).unwrap_or(u16::MAX);
    let [high, low] = number.to_be_bytes();
    if index.is_multiple_of(2) {
        IpAddr::V4(Ipv4Addr::new(10, 0, 100 + high, low))
    } else {
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 1, number))
    }
}

/// The index of a desired IP.
pub(crate) fn index(ip: IpAddr) -> usize {
    match ip {
        IpAddr::V4(ip) => {
            let [_, _, high, low] = ip.octets();
            usize::from(high - 100) << 8 | usize::from(low)
        }
        IpAddr::V6(ip) => usize::from(ip.segments()[7]),
    }
}

/// A station's own addresses.
pub(crate) fn addresses(station: usize) -> [IpAddr; 3] {
    let number = u16::try_from(station + 1).unwrap_or(u16::MAX);
    let [high, low] = number.to_be_bytes();
    [
        IpAddr::V4(Ipv4Addr::new(10, 0, high, low)),
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number)),
        IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number)),
    ]
}

pub(crate) fn mac(station: usize) -> Mac {
    let number = u16::try_from(station + 1).unwrap_or(u16::MAX);
    let [high, low] = number.to_be_bytes();
    Mac([2, 0, 0, 0, high, low])
}

/// The station with this hardware address.
pub(crate) fn station(mac: Mac) -> Option<usize> {
    let [2, 0, 0, 0, high, low] = mac.0 else {
        return None;
    };
    usize::from(u16::from_be_bytes([high, low])).checked_sub(1)
}

/// A station's link, while it has carrier.
pub(crate) fn link(station: usize) -> LanLink {
    let lengths = [16, 64, 64];
    let subnets = addresses(station).into_iter().zip(lengths);
    let subnets = subnets.map(|(address, length)| format!("{address}/{length}"));
    LanLink {
        index: LINK,
        name: "eth0".to_owned(),
        mac: mac(station),
        subnets: subnets
            .map(|text| text.parse().expect("an address with its length"))
            .collect(),
    }
}

/// Every station is eligible for every IP, none is preferred.
pub(crate) fn desired(stations: usize, ips: &[IpAddr]) -> DesiredIps {
    let nodes = (0..stations).map(|it| (node_name(it), NodeEligibility::default()));
    let desired = DesiredIp {
        nodes: nodes.collect(),
        no_common_node: false,
    };
    ips.iter().map(|ip| (*ip, desired.clone().into())).collect()
}

/// Makes a station ineligible for an IP, or eligible again.
pub(crate) fn set_ineligible(desired: &mut Arc<DesiredIp>, station: usize, ineligible: bool) {
    if let Some(node) = Arc::make_mut(desired).nodes.get_mut(&node_name(station)) {
        node.ineligible = ineligible.then_some(Ineligible::NoEndpoint);
    }
}

/// Whether a station may announce an IP.
pub(crate) fn may_announce(desired: &DesiredIp, station: usize) -> bool {
    let node = desired.nodes.get(&node_name(station));
    node.is_some_and(|node| node.ineligible.is_none())
}
