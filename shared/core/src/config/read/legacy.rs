//! Reads the text of MetalLB's legacy ConfigMap (up to 0.12): pools with their
//! protocol, and BGP sections under their legacy field names. Pure.

use super::entry::{self, Entry};
use super::{Reader, bgp, pool, unique};
use crate::config::fault::Findings;
use crate::config::node::{LegacyNames, Mapping, Node};
use crate::config::{Community, CommunityAlias, Kind, L2Advertisement, Pool, PoolSelection};
use crate::selector::Labels;

const FIELDS: [&str; 4] = ["address-pools", "peers", "bgp-communities", "bfd-profiles"];

const POOL: [&str; 6] = [
    "name",
    "protocol",
    "addresses",
    "auto-assign",
    "avoid-buggy-ips",
    "bgp-advertisements",
];

const ADVERTISEMENT: &LegacyNames = &[
    ("aggregation-length", "aggregationLength"),
    ("aggregation-length-v6", "aggregationLengthV6"),
    ("localpref", "localPref"),
    ("communities", "communities"),
];

const PEER: &LegacyNames = &[
    ("my-asn", "myASN"),
    ("peer-asn", "peerASN"),
    ("peer-address", "peerAddress"),
    ("source-address", "sourceAddress"),
    ("peer-port", "peerPort"),
    ("hold-time", "holdTime"),
    ("keepalive-time", "keepaliveTime"),
    ("router-id", "routerID"),
    ("node-selectors", "nodeSelectors"),
    ("password", "password"),
    ("bfd-profile", "bfdProfile"),
    ("ebgp-multihop", "ebgpMultiHop"),
];

const BFD_PROFILE: &LegacyNames = &[
    ("name", "name"),
    ("receive-interval", "receiveInterval"),
    ("transmit-interval", "transmitInterval"),
    ("detect-multiplier", "detectMultiplier"),
    ("echo-interval", "echoInterval"),
    ("echo-mode", "echoMode"),
    ("passive-mode", "passiveMode"),
    ("minimum-ttl", "minimumTtl"),
];

/// Reads a whole document in the legacy format.
pub(super) fn read(root: &Mapping<'_>, reader: &mut Reader, found: &mut Findings) {
    root.reject_unknown_fields(&FIELDS, found);
    // Each pool names its protocol, so no advertisement is implied.
    reader.has_advertisement_section = true;
    let pools = root.field("address-pools");
    for node in pools.and_then(|node| node.items(found)).unwrap_or_default() {
        if let Some(fields) = node.mapping(found) {
            read_pool(&fields, reader, found);
        }
    }
    read_list(root, "peers", PEER, Kind::BgpPeer, reader, found);
    let profiles = (BFD_PROFILE, Kind::BfdProfile);
    read_list(root, "bfd-profiles", profiles.0, profiles.1, reader, found);
    read_communities(root, reader, found);
}

fn read_pool(fields: &Mapping<'_>, reader: &mut Reader, found: &mut Findings) {
    fields.reject_unknown_fields(&POOL, found);
    let name = name(fields, Kind::IpAddressPool, reader, found);
    let ranges = pool::ranges(fields, &mut reader.locations, found);
    let auto_assign = pool::flag(fields, "auto-assign", true, found);
    let avoid_buggy_ips = pool::flag(fields, "avoid-buggy-ips", false, found);
    announce(fields, &name, reader, found);
    reader.config.pools.push(Pool {
        name,
        labels: Labels::new(),
        ranges,
        auto_assign,
        avoid_buggy_ips,
        service_allocation: None,
    });
}

fn name(fields: &Mapping<'_>, kind: Kind, reader: &mut Reader, found: &mut Findings) -> String {
    let node = fields.required("name", found);
    let name = node
        .and_then(|node| node.text(found))
        .unwrap_or(unique::NO_NAME);
    let path = fields.path_of("name");
    if name.trim().is_empty() {
        found.fault(&path, "must not be empty");
    }
    reader.names.register(kind, name, &path, found);
    name.to_owned()
}

/// Adds the advertisements that MetalLB's own converter would create for a pool:
/// one for layer 2; for BGP one per list item, and at least one.
fn announce(fields: &Mapping<'_>, name: &str, reader: &mut Reader, found: &mut Findings) {
    let Some(node) = fields.required("protocol", found) else {
        return;
    };
    let list = fields.field("bgp-advertisements");
    let listed = list.as_ref().and_then(|node| node.items(found));
    match node.text(found) {
        Some("layer2") => announce_on_lan(&node, name, reader, found),
        Some("bgp") => {
            let items = listed.unwrap_or_default();
            for item in &items {
                announce_by_bgp(item, name, reader, found);
            }
            if items.is_empty() {
                let nothing = Node::root(&fields.path, &entry::NO_FIELDS);
                announce_by_bgp(&nothing, name, reader, found);
            }
        }
        Some(other) => found.fault(&node.path, format!("must be layer2 or bgp, not {other:?}")),
        None => {}
    }
}

fn announce_on_lan(at: &Node<'_>, pool: &str, reader: &mut Reader, found: &mut Findings) {
    let kind = Kind::L2Advertisement;
    reader.names.register(kind, pool, &at.path, found);
    reader.config.l2_advertisements.push(L2Advertisement {
        name: pool.to_owned(),
        pools: PoolSelection {
            names: [pool.to_owned()].into(),
            ..PoolSelection::default()
        },
        ..L2Advertisement::default()
    });
}

fn announce_by_bgp(node: &Node<'_>, pool: &str, reader: &mut Reader, found: &mut Findings) {
    let number = reader.config.bgp.advertisements.len() + 1;
    let name = format!("bgpadvertisement{number}");
    let node = node.clone().legacy();
    if let Some(entry) = Entry::legacy(&node, ADVERTISEMENT, name, found) {
        reader.entry(Kind::BgpAdvertisement, &entry, found);
        if let Some(read) = reader.config.bgp.advertisements.last_mut() {
            read.pools.names.insert(pool.to_owned());
        }
    }
}

/// Reads items that are resources of their own today. Peers had no names and
/// are numbered, as by MetalLB's own converter.
fn read_list(
    root: &Mapping<'_>,
    field: &str,
    legacy_names: &'static LegacyNames,
    kind: Kind,
    reader: &mut Reader,
    found: &mut Findings,
) {
    let items = root.field(field).and_then(|node| node.items(found));
    for (index, node) in items.unwrap_or_default().into_iter().enumerate() {
        let node = node.legacy();
        let Some(fields) = node.mapping(found) else {
            continue;
        };
        let name = match kind {
            Kind::BgpPeer => Some(format!("peer{}", index + 1)),
            _ => fields
                .required("name", found)
                .and_then(|node| unique::text(&node, found)),
        };
        let name = name.unwrap_or_else(|| unique::NO_NAME.to_owned());
        if let Some(entry) = Entry::legacy(&node, legacy_names, name, found) {
            reader.entry(kind, &entry, found);
        }
    }
}

/// All communities become one Community, as in MetalLB's own converter.
fn read_communities(root: &Mapping<'_>, reader: &mut Reader, found: &mut Findings) {
    let Some(node) = root.field("bgp-communities") else {
        return;
    };
    let mut communities = Vec::new();
    let fields = node.mapping(found);
    for (name, node) in fields.iter().flat_map(Mapping::entries) {
        if name.trim().is_empty() {
            found.fault(&node.path, "name must not be empty");
        }
        if let Some(value) = bgp::community_value(&node, found) {
            let name = name.to_owned();
            communities.push((node.path, CommunityAlias { name, value }));
        }
    }
    if communities.is_empty() {
        return;
    }
    let name = "communities".to_owned();
    reader
        .names
        .register(Kind::Community, &name, &node.path, found);
    let community = Community {
        name,
        communities: reader.bgp_locations.register(communities),
    };
    reader.config.bgp.communities.push(community);
}
