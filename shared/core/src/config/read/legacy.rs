//! Reads MetalLB's former text (its ConfigMap up to 0.12): pools that say how
//! they are announced, and BGP's parts under their former names.

use super::entry::{self, Entry};
use super::{Reading, bgp, pool, unique};
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node, Spelling};
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

const ADVERTISEMENT: &Spelling = &[
    ("aggregation-length", "aggregationLength"),
    ("aggregation-length-v6", "aggregationLengthV6"),
    ("localpref", "localPref"),
    ("communities", "communities"),
];

const PEER: &Spelling = &[
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

const BFD_PROFILE: &Spelling = &[
    ("name", "name"),
    ("receive-interval", "receiveInterval"),
    ("transmit-interval", "transmitInterval"),
    ("detect-multiplier", "detectMultiplier"),
    ("echo-interval", "echoInterval"),
    ("echo-mode", "echoMode"),
    ("passive-mode", "passiveMode"),
    ("minimum-ttl", "minimumTtl"),
];

/// Reads a whole document of the former form.
pub(super) fn read(root: &Mapping<'_>, reading: &mut Reading, found: &mut Findings) {
    root.refuse_unknown(&FIELDS, found);
    // Each pool names its protocol, so everything about announcing is said.
    reading.announcing = true;
    let pools = root.field("address-pools");
    for node in pools.and_then(|node| node.items(found)).unwrap_or_default() {
        if let Some(fields) = node.mapping(found) {
            read_pool(&fields, reading, found);
        }
    }
    read_list(root, "peers", PEER, Kind::BgpPeer, reading, found);
    let profiles = (BFD_PROFILE, Kind::BfdProfile);
    read_list(root, "bfd-profiles", profiles.0, profiles.1, reading, found);
    read_communities(root, reading, found);
}

fn read_pool(fields: &Mapping<'_>, reading: &mut Reading, found: &mut Findings) {
    fields.refuse_unknown(&POOL, found);
    let name = name(fields, Kind::IpAddressPool, reading, found);
    let ranges = pool::ranges(fields, &mut reading.places, found);
    let auto_assign = pool::flag(fields, "auto-assign", true, found);
    let avoid_buggy_ips = pool::flag(fields, "avoid-buggy-ips", false, found);
    announce(fields, &name, reading, found);
    reading.config.pools.push(Pool {
        name,
        labels: Labels::new(),
        ranges,
        auto_assign,
        avoid_buggy_ips,
        service_allocation: None,
    });
}

fn name(fields: &Mapping<'_>, kind: Kind, reading: &mut Reading, found: &mut Findings) -> String {
    let node = fields.required("name", found);
    let name = node
        .and_then(|node| node.text(found))
        .unwrap_or(unique::NO_NAME);
    let path = fields.path_of("name");
    if name.trim().is_empty() {
        found.fault(&path, "must not be empty");
    }
    reading.names.take(kind, name, &path, found);
    name.to_owned()
}

/// What MetalLB's own converter makes of a pool: an advertisement of it, or
/// for BGP one for each that is listed, at least one.
fn announce(fields: &Mapping<'_>, name: &str, reading: &mut Reading, found: &mut Findings) {
    let Some(node) = fields.required("protocol", found) else {
        return;
    };
    let list = fields.field("bgp-advertisements");
    let listed = list.as_ref().and_then(|node| node.items(found));
    match node.text(found) {
        Some("layer2") => announce_on_lan(&node, name, reading, found),
        Some("bgp") => {
            let items = listed.unwrap_or_default();
            for item in &items {
                announce_by_bgp(item, name, reading, found);
            }
            if items.is_empty() {
                let nothing = Node::root(&fields.path, &entry::NO_FIELDS);
                announce_by_bgp(&nothing, name, reading, found);
            }
        }
        Some(other) => found.fault(&node.path, format!("{other:?} is neither layer2 nor bgp")),
        None => {}
    }
}

fn announce_on_lan(at: &Node<'_>, pool: &str, reading: &mut Reading, found: &mut Findings) {
    let kind = Kind::L2Advertisement;
    reading.names.take(kind, pool, &at.path, found);
    reading.config.l2_advertisements.push(L2Advertisement {
        name: pool.to_owned(),
        pools: PoolSelection {
            names: [pool.to_owned()].into(),
            ..PoolSelection::default()
        },
        ..L2Advertisement::default()
    });
}

fn announce_by_bgp(node: &Node<'_>, pool: &str, reading: &mut Reading, found: &mut Findings) {
    let number = reading.config.bgp.advertisements.len() + 1;
    let name = format!("bgpadvertisement{number}");
    let node = node.clone().former();
    if let Some(entry) = Entry::former(&node, ADVERTISEMENT, name, found) {
        reading.entry(Kind::BgpAdvertisement, &entry, found);
        if let Some(read) = reading.config.bgp.advertisements.last_mut() {
            read.pools.names.insert(pool.to_owned());
        }
    }
}

/// Items that have a resource of their own today. Peers had no names and get
/// numbers, as MetalLB's own converter gives them.
fn read_list(
    root: &Mapping<'_>,
    field: &str,
    spelling: &'static Spelling,
    kind: Kind,
    reading: &mut Reading,
    found: &mut Findings,
) {
    let items = root.field(field).and_then(|node| node.items(found));
    for (index, node) in items.unwrap_or_default().into_iter().enumerate() {
        let node = node.former();
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
        if let Some(entry) = Entry::former(&node, spelling, name, found) {
            reading.entry(kind, &entry, found);
        }
    }
}

/// All names become one list, as MetalLB's own converter makes it.
fn read_communities(root: &Mapping<'_>, reading: &mut Reading, found: &mut Findings) {
    let Some(node) = root.field("bgp-communities") else {
        return;
    };
    let mut communities = Vec::new();
    let fields = node.mapping(found);
    for (name, node) in fields.iter().flat_map(Mapping::entries) {
        if name.trim().is_empty() {
            found.fault(&node.path, "must have a name");
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
    reading
        .names
        .take(Kind::Community, &name, &node.path, found);
    let community = Community {
        name,
        communities: reading.bgp_places.named(communities),
    };
    reading.config.bgp.communities.push(community);
}
