//! What every run has in common: durations, addresses, links, and who may
//! announce what.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ferrolb_core::mac::Mac;
use ferrolb_speaker::eligibility::{DesiredIp, DesiredIps, Ineligible, NodeEligibility};
use ferrolb_speaker::layer2::links::LanLink;

use crate::member::node_name;

/// The gossip interval.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);
/// What `Gossip::detection_time` says for it.
pub(crate) const DETECTION: Duration = Duration::from_millis(250);
/// How long the wire is asked before a suspect's IP is taken.
pub(crate) const ASK: Duration = Duration::from_millis(60);
/// How long it is asked for an IP that nobody announced before.
pub(crate) const INITIAL_PROBE: Duration = Duration::from_millis(300);
/// The gap between announcements in quiet times.
pub(crate) const REFRESH: Duration = Duration::from_secs(60);
/// The kernel index of each station's only link.
pub(crate) const LINK: u32 = 2;

/// The wanted IPs: every second one is an IPv6 address.
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

/// The place of a wanted IP among them.
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

/// Every station may announce every IP, none is preferred.
pub(crate) fn demand(stations: usize, ips: &[IpAddr]) -> DesiredIps {
    let grants = (0..stations).map(|it| (node_name(it), NodeEligibility::default()));
    let wanted = DesiredIp {
        nodes: grants.collect(),
        no_common_node: false,
    };
    ips.iter().map(|ip| (*ip, wanted.clone().into())).collect()
}

/// Keeps a station from announcing an IP, or no longer.
pub(crate) fn bar(wanted: &mut Arc<DesiredIp>, station: usize, barred: bool) {
    if let Some(grant) = Arc::make_mut(wanted).nodes.get_mut(&node_name(station)) {
        grant.ineligible = barred.then_some(Ineligible::NoEndpoint);
    }
}

/// Whether a station may announce an IP.
pub(crate) fn may(wanted: &DesiredIp, station: usize) -> bool {
    let grant = wanted.nodes.get(&node_name(station));
    grant.is_some_and(|grant| grant.ineligible.is_none())
}
