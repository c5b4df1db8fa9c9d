//! What a speaker reports to the controller about a Service, in an object of the
//! shape of MetalLB's `ServiceL2Status`: which of its IPs the node announces,
//! which another host on the LAN uses, and which no node announces and why.
//! MetalLB's shape has no field for these, so they travel as annotations. Pure:
//! text in, values out.
//!
//! There is one object per Service and node. Where two nodes name one IP, the
//! higher epoch counts: the other object is about to go.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use crate::ineligible::Unannounced;

/// Label with the node's name, as MetalLB writes it.
pub const NODE_LABEL: &str = "metallb.io/node";
/// Label with the Service's name, as MetalLB writes it.
pub const SERVICE_NAME_LABEL: &str = "metallb.io/service-name";
/// Label with the Service's namespace, as MetalLB writes it.
pub const SERVICE_NAMESPACE_LABEL: &str = "metallb.io/service-namespace";

/// Annotation with the IPs the node announces and the epoch of its claim on
/// each: `192.0.2.1=7,2001:db8::1=3`.
pub const ANNOUNCES: &str = "ferrolb.io/announces";
/// Annotation with the IPs that the node may not announce because another host
/// on the LAN uses them, and that host's hardware address:
/// `192.0.2.1=02:00:00:00:00:01`.
pub const CONFLICTS: &str = "ferrolb.io/conflicts";
/// Annotation with the IPs that no node may announce, and why, as JSON:
/// `{"192.0.2.1":{"reason":"NoLink","nodes":[{"reason":"NoLink","count":1,"nodes":["a"]}]}}`.
///
/// One speaker reports each such IP: the live member with the highest rank for
/// it, whether it is eligible or not.
pub const UNANNOUNCED: &str = "ferrolb.io/unannounced";

/// The text of [`ANNOUNCES`] or [`CONFLICTS`].
#[must_use]
pub fn write<V: Display>(entries: &BTreeMap<IpAddr, V>) -> String {
    let entries = entries.iter().map(|(ip, value)| format!("{ip}={value}"));
    entries.collect::<Vec<_>>().join(",")
}

/// The text of [`UNANNOUNCED`].
#[must_use]
pub fn write_unannounced(entries: &BTreeMap<IpAddr, Unannounced>) -> String {
    // A map of addresses to names and numbers always has a JSON form.
    serde_json::to_string(entries).unwrap_or_default()
}

/// Reads [`ANNOUNCES`]. Entries that cannot be read are passed over: a newer
/// version may have written them.
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

/// Reads [`UNANNOUNCED`]; empty where the text cannot be read.
#[must_use]
pub fn read_unannounced(text: &str) -> BTreeMap<IpAddr, Unannounced> {
    serde_json::from_str(text).unwrap_or_default()
}

fn entries(text: &str) -> impl Iterator<Item = (IpAddr, &str)> {
    let pairs = text.split(',').filter_map(|entry| entry.split_once('='));
    pairs.filter_map(|(ip, value)| Some((ip.trim().parse().ok()?, value.trim())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{read_announces, read_conflicts, read_unannounced, write, write_unannounced};
    use crate::ineligible::{Ineligible, Unannounced, UnannouncedReason};

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
    fn reasons_are_read_back() {
        let draining = Ineligible::Draining {
            taint: "going".to_owned(),
        };
        let reasons = [
            ("a".to_owned(), draining),
            ("b".to_owned(), Ineligible::LinkDown),
        ];
        let why = Unannounced::new(&reasons.into(), false);
        let all = BTreeMap::from([("2001:db8::1".parse().unwrap(), why)]);
        let text = write_unannounced(&all);
        let expected = r#"{"2001:db8::1":{"reason":"NoLink","nodes":[{"reason":"LinkDown","count":1,"nodes":["b"]},{"reason":"Draining","taint":"going","count":1,"nodes":["a"]}]}}"#;
        assert_eq!(text, expected);
        assert_eq!(read_unannounced(&text), all);
    }

    #[test]
    fn a_reason_of_a_newer_version_is_read_as_unknown() {
        let text = r#"{"192.0.2.1":{"reason":"NoMoon","nodes":[{"reason":"NoMoon","phase":"new","count":1,"nodes":["a"]}]}}"#;
        let read = read_unannounced(text).into_values().next().unwrap();
        assert_eq!(read.reason, UnannouncedReason::NotAnnounced);
        assert_eq!(read.nodes[0].reason, Ineligible::Unknown);
        assert!(read_unannounced("soon").is_empty());
    }

    #[test]
    fn entries_that_cannot_be_read_are_passed_over() {
        let read = read_announces("nowhere=1,192.0.2.1,192.0.2.2=soon, 192.0.2.3 = 4 ");
        assert_eq!(read, BTreeMap::from([("192.0.2.3".parse().unwrap(), 4)]));
        assert!(read_announces("").is_empty());
    }
}
