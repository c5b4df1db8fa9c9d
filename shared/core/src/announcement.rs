//! What a speaker tells the controller about a Service, in an object of the
//! shape of MetalLB's `ServiceL2Status`: which of its IPs the node announces,
//! and which a stranger on the LAN holds. MetalLB's shape has no field for
//! either, so both travel as annotations. Pure: text in, values out.
//!
//! There is one object per Service and node. Where two nodes name one IP, the
//! higher epoch counts: the other object is about to go.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

/// Label with the node's name, as MetalLB writes it.
pub const NODE_LABEL: &str = "metallb.io/node";
/// Label with the Service's name, as MetalLB writes it.
pub const SERVICE_NAME_LABEL: &str = "metallb.io/service-name";
/// Label with the Service's namespace, as MetalLB writes it.
pub const SERVICE_NAMESPACE_LABEL: &str = "metallb.io/service-namespace";

/// Annotation with the IPs the node announces and the epoch of its claim on
/// each: `192.0.2.1=7,2001:db8::1=3`.
pub const ANNOUNCES: &str = "ferrolb.io/announces";
/// Annotation with the IPs that the node may not announce because a machine
/// that is no speaker holds them, and that machine's hardware address:
/// `192.0.2.1=02:00:00:00:00:01`.
pub const CONFLICTS: &str = "ferrolb.io/conflicts";

/// The text of either annotation.
#[must_use]
pub fn write<V: Display>(entries: &BTreeMap<IpAddr, V>) -> String {
    let entries = entries.iter().map(|(ip, value)| format!("{ip}={value}"));
    entries.collect::<Vec<_>>().join(",")
}

/// Reads [`ANNOUNCES`]. What cannot be read counts as unsaid: a newer version
/// may have said it.
#[must_use]
pub fn read_announces(text: &str) -> BTreeMap<IpAddr, u64> {
    entries(text)
        .filter_map(|(ip, epoch)| Some((ip, epoch.parse().ok()?)))
        .collect()
}

/// Reads [`CONFLICTS`]; the values are hardware addresses as text.
#[must_use]
pub fn read_conflicts(text: &str) -> BTreeMap<IpAddr, String> {
    entries(text)
        .map(|(ip, mac)| (ip, mac.to_owned()))
        .collect()
}

fn entries(text: &str) -> impl Iterator<Item = (IpAddr, &str)> {
    let pairs = text.split(',').filter_map(|entry| entry.split_once('='));
    pairs.filter_map(|(ip, value)| Some((ip.trim().parse().ok()?, value.trim())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{read_announces, read_conflicts, write};

    #[test]
    fn what_is_written_is_read_back() {
        let ips = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        let claims = BTreeMap::from([(ips[0], 7), (ips[1], 3)]);
        assert_eq!(write(&claims), "192.0.2.1=7,2001:db8::1=3");
        assert_eq!(read_announces(&write(&claims)), claims);
        let conflicts = BTreeMap::from([(ips[1], "02:00:00:00:00:01".to_owned())]);
        assert_eq!(read_conflicts(&write(&conflicts)), conflicts);
    }

    #[test]
    fn what_cannot_be_read_counts_as_unsaid() {
        let read = read_announces("nowhere=1,192.0.2.1,192.0.2.2=soon, 192.0.2.3 = 4 ");
        assert_eq!(read, BTreeMap::from([("192.0.2.3".parse().unwrap(), 4)]));
        assert!(read_announces("").is_empty());
    }
}
