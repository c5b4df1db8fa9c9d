//! Reads a BGP peer. Pure.

use std::net::{IpAddr, Ipv4Addr};

use super::super::entry::Entry;
use super::super::{pool, selector};
use super::seconds::{self, Fraction};
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node};
use crate::config::{BgpPeer, DynamicAsn, Neighbour, PeerAsn, Seconds, SecretName};
use crate::range::address;

const FIELDS: [&str; 20] = [
    "myASN",
    "peerASN",
    "dynamicASN",
    "localASN",
    "peerAddress",
    "interface",
    "sourceAddress",
    "peerPort",
    "holdTime",
    "keepaliveTime",
    "connectTime",
    "routerID",
    "nodeSelectors",
    "password",
    "passwordSecret",
    "bfdProfile",
    "enableGracefulRestart",
    "ebgpMultiHop",
    "vrf",
    "dualStackAddressFamily",
];

/// Deprecated and without effect, but accepted.
const DISABLE_MP: &str = "disableMP";

/// The BGP port.
const PORT: u16 = 179;

/// The default hold time.
const HOLD: Seconds = Seconds(90);

/// The shortest hold time other than 0 (RFC 4271, section 4.2).
const SHORTEST_HOLD: Seconds = Seconds(3);

/// The paths of its fields.
pub(super) struct FieldPaths {
    pub(super) whole: String,
    pub(super) bfd_profile: String,
}

/// The paths of the fields of a peer, whether present or not.
pub(super) fn field_paths(entry: &Entry<'_>) -> FieldPaths {
    FieldPaths {
        whole: entry.name_path.clone(),
        bfd_profile: entry.fields.path_of("bfdProfile"),
    }
}

/// Reads one peer. Empty strings and an AS number of 0 count as absent, since
/// MetalLB's own programs write such fields that way.
pub(super) fn read(entry: &Entry<'_>, found: &mut Findings) -> Option<BgpPeer> {
    let known: Vec<&str> = FIELDS.iter().copied().chain([DISABLE_MP]).collect();
    entry.check_fields(&known, found);
    let fields = &entry.fields;
    let my_asn = fields.required("myASN", found);
    let my_asn = my_asn.and_then(|node| number(&node, 1, u32::MAX, found));
    let peer_asn = peer_asn(fields, found);
    let neighbour = neighbour(fields, found);
    let (hold_time, keepalive_time) = times(fields, found);
    let connect_time = connect_time(fields, found);
    let (password, password_secret) = password(fields, found);
    let flag = |name: &str, found: &mut Findings| pool::flag(fields, name, false, found);
    let peer = BgpPeer {
        name: entry.name.clone(),
        local_asn: field_number(fields, "localASN", u32::MAX, found),
        source_address: field_address(fields, "sourceAddress", found),
        peer_port: port(fields, found),
        hold_time,
        keepalive_time,
        connect_time,
        router_id: router_id(fields, found),
        node_selectors: selector::list(fields.field("nodeSelectors"), found),
        password,
        password_secret,
        bfd_profile: text(fields, "bfdProfile", found).map(|(text, _)| text),
        enable_graceful_restart: flag("enableGracefulRestart", found),
        ebgp_multi_hop: flag("ebgpMultiHop", found),
        vrf: text(fields, "vrf", found).map(|(text, _)| text),
        disable_mp: flag(DISABLE_MP, found),
        dual_stack_address_family: flag("dualStackAddressFamily", found),
        my_asn: my_asn?,
        peer_asn: peer_asn?,
        neighbour: neighbour?,
    };
    reject_internal_multihop(&peer, fields, found);
    Some(peer)
}

/// A non-empty string and its path.
fn text(fields: &Mapping<'_>, name: &str, found: &mut Findings) -> Option<(String, String)> {
    let node = fields.field(name)?;
    let text = node.text(found)?;
    (!text.is_empty()).then(|| (text.to_owned(), node.path))
}

fn number(node: &Node<'_>, least: u32, most: u32, found: &mut Findings) -> Option<u32> {
    let number = node.number(least.into(), most.into(), found)?;
    u32::try_from(number).ok()
}

/// A number; 0 counts as absent.
fn field_number(fields: &Mapping<'_>, name: &str, most: u32, found: &mut Findings) -> Option<u32> {
    let number = number(&fields.field(name)?, 0, most, found);
    number.filter(|number| *number > 0)
}

fn field_address(fields: &Mapping<'_>, name: &str, found: &mut Findings) -> Option<IpAddr> {
    let (text, path) = text(fields, name, found)?;
    address(&text)
        .map_err(|error| found.fault(path, error.to_string()))
        .ok()
}

fn peer_asn(fields: &Mapping<'_>, found: &mut Findings) -> Option<PeerAsn> {
    let before = found.faults.len();
    let number = field_number(fields, "peerASN", u32::MAX, found).map(PeerAsn::Number);
    let dynamic = text(fields, "dynamicASN", found).and_then(|(text, path)| match &*text {
        "internal" => Some(PeerAsn::Dynamic(DynamicAsn::Internal)),
        "external" => Some(PeerAsn::Dynamic(DynamicAsn::External)),
        _ => {
            found.fault(path, format!("must be internal or external, not {text:?}"));
            None
        }
    });
    either(
        fields,
        ["peerASN", "dynamicASN"],
        (number, dynamic),
        before,
        found,
    )
}

fn neighbour(fields: &Mapping<'_>, found: &mut Findings) -> Option<Neighbour> {
    let before = found.faults.len();
    let address = field_address(fields, "peerAddress", found).map(Neighbour::Address);
    let interface = text(fields, "interface", found);
    let interface = interface.map(|(name, _)| Neighbour::Interface(name));
    let names = ["peerAddress", "interface"];
    either(fields, names, (address, interface), before, found)
}

/// Exactly one of two fields. If reading them added a fault to the `before`
/// earlier ones, no second fault is added.
fn either<T>(
    fields: &Mapping<'_>,
    [one, other]: [&str; 2],
    read: (Option<T>, Option<T>),
    before: usize,
    found: &mut Findings,
) -> Option<T> {
    match read {
        (Some(_), Some(_)) => {
            let problem = format!("cannot be set together with {one}");
            found.fault(fields.path_of(other), problem);
            None
        }
        (None, None) if found.faults.len() == before => {
            let problem = format!("is missing; set either this field or {other}");
            found.fault(fields.path_of(one), problem);
            None
        }
        (one, other) => one.or(other),
    }
}

fn port(fields: &Mapping<'_>, found: &mut Findings) -> u16 {
    let port = field_number(fields, "peerPort", 16384, found);
    port.and_then(|port| u16::try_from(port).ok())
        .unwrap_or(PORT)
}

fn times(fields: &Mapping<'_>, found: &mut Findings) -> (Option<Seconds>, Option<Seconds>) {
    let hold = seconds::read(fields, "holdTime", Fraction::Drop, found);
    let keepalive = seconds::read(fields, "keepaliveTime", Fraction::Drop, found);
    if let Some(hold) = hold.filter(|hold| hold.0 > 0 && *hold < SHORTEST_HOLD) {
        let problem = format!(
            "must be 0s or at least {}s, not {}s",
            SHORTEST_HOLD.0, hold.0
        );
        found.fault(fields.path_of("holdTime"), problem);
    }
    let limit = hold.unwrap_or(HOLD);
    if let Some(keepalive) = keepalive.filter(|keepalive| *keepalive > limit) {
        let problem = format!(
            "must not exceed the hold time of {}s, but is {}s",
            limit.0, keepalive.0
        );
        found.fault(fields.path_of("keepaliveTime"), problem);
    }
    (hold, keepalive)
}

fn connect_time(fields: &Mapping<'_>, found: &mut Findings) -> Option<Seconds> {
    let time = seconds::read(fields, "connectTime", Fraction::Reject, found)?;
    if time == Seconds(0) {
        found.fault(
            fields.path_of("connectTime"),
            "must be between 1s and 65535s, not 0s",
        );
    }
    Some(time)
}

fn router_id(fields: &Mapping<'_>, found: &mut Findings) -> Option<Ipv4Addr> {
    let (text, path) = text(fields, "routerID", found)?;
    let parsed = text.parse();
    parsed
        .map_err(|_| found.fault(path, format!("{text:?} is not an IPv4 address")))
        .ok()
}

fn password(fields: &Mapping<'_>, found: &mut Findings) -> (Option<String>, Option<SecretName>) {
    let password = text(fields, "password", found).map(|(text, _)| text);
    let secret = fields.field("passwordSecret");
    let secret = secret.and_then(|node| {
        let fields = node.mapping(found)?;
        fields.reject_unknown_fields(&["name", "namespace"], found);
        let namespace = text(&fields, "namespace", found).map(|(text, _)| text);
        let (name, _) = text(&fields, "name", found)?;
        Some(SecretName { name, namespace })
    });
    if password.is_some() && secret.is_some() {
        let problem = "cannot be set together with password";
        found.fault(fields.path_of("passwordSecret"), problem);
    }
    (password, secret)
}

fn reject_internal_multihop(peer: &BgpPeer, fields: &Mapping<'_>, found: &mut Findings) {
    let internal = match peer.peer_asn {
        PeerAsn::Number(asn) => asn == peer.my_asn,
        PeerAsn::Dynamic(asn) => asn == DynamicAsn::Internal,
    };
    if internal && peer.ebgp_multi_hop {
        let problem = format!("is only for peers outside our AS {}", peer.my_asn);
        found.fault(fields.path_of("ebgpMultiHop"), problem);
    }
}
