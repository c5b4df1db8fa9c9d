//! Reads MetalLB's former text (its ConfigMap up to 0.12): pools that say how
//! they are announced, and BGP's parts under their former names.

use serde_json::{Map, Value};

use super::{Reading, pool, selector, unique};
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node};
use crate::config::{Kept, Kind, L2Advertisement, Pool};
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

/// Former names and those of today's resources.
type Renamed = [(&'static str, &'static str)];

const ADVERTISEMENT: &Renamed = &[
    ("aggregation-length", "aggregationLength"),
    ("aggregation-length-v6", "aggregationLengthV6"),
    ("localpref", "localPref"),
    ("communities", "communities"),
];

const PEER: &Renamed = &[
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

const BFD_PROFILE: &Renamed = &[
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
    let peers = renamed_items(root.field("peers"), PEER, found);
    let named = |(index, spec)| Kept {
        name: format!("peer{}", index + 1),
        spec,
    };
    let peers = peers.into_iter().enumerate().map(named);
    reading.config.bgp.peers.extend(peers);
    read_bfd_profiles(root, reading, found);
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
    let listed = renamed_items(fields.field("bgp-advertisements"), ADVERTISEMENT, found);
    match node.text(found) {
        Some("layer2") => reading.config.l2_advertisements.push(L2Advertisement {
            name: name.to_owned(),
            pools: [name.to_owned()].into(),
            ..L2Advertisement::default()
        }),
        Some("bgp") => {
            let none = listed.is_empty().then(|| Value::Object(Map::new()));
            for spec in listed.into_iter().chain(none) {
                keep_advertisement(name, spec, reading);
            }
        }
        Some(other) => found.fault(&node.path, format!("{other:?} is neither layer2 nor bgp")),
        None => {}
    }
}

fn keep_advertisement(pool: &str, mut spec: Value, reading: &mut Reading) {
    let kept = &mut reading.config.bgp.advertisements;
    spec["ipAddressPools"] = Value::from(vec![pool]);
    let name = format!("bgpadvertisement{}", kept.len() + 1);
    kept.push(Kept { name, spec });
}

fn read_bfd_profiles(root: &Mapping<'_>, reading: &mut Reading, found: &mut Findings) {
    let items = root.field("bfd-profiles");
    for node in items.and_then(|node| node.items(found)).unwrap_or_default() {
        let Some(fields) = node.mapping(found) else {
            continue;
        };
        let name = name(&fields, Kind::BfdProfile, reading, found);
        let mut spec = renamed(&fields, BFD_PROFILE, found);
        spec.remove("name");
        let spec = Value::Object(spec);
        reading.config.bgp.bfd_profiles.push(Kept { name, spec });
    }
}

/// All aliases become one list, as MetalLB's own converter makes it.
fn read_communities(root: &Mapping<'_>, reading: &mut Reading, found: &mut Findings) {
    let fields = root
        .field("bgp-communities")
        .and_then(|node| node.mapping(found));
    let mut list = Vec::new();
    for (name, node) in fields.iter().flat_map(Mapping::entries) {
        if let Some(value) = node.text(found) {
            list.push(serde_json::json!({"name": name, "value": value}));
        }
    }
    if !list.is_empty() {
        reading.config.bgp.communities.push(Kept {
            name: "communities".to_owned(),
            spec: serde_json::json!({"communities": list}),
        });
    }
}

fn renamed_items(node: Option<Node<'_>>, names: &Renamed, found: &mut Findings) -> Vec<Value> {
    let items = node.and_then(|node| node.items(found)).unwrap_or_default();
    let mappings = items.iter().filter_map(|item| {
        let fields = item.mapping(found)?;
        Some(Value::Object(renamed(&fields, names, found)))
    });
    mappings.collect()
}

fn renamed(fields: &Mapping<'_>, names: &Renamed, found: &mut Findings) -> Map<String, Value> {
    let known: Vec<&str> = names.iter().map(|(former, _)| *former).collect();
    fields.refuse_unknown(&known, found);
    let mut spec = fields.to_map();
    // Read for its faults; the renamed copy is what is kept.
    selector::list_spelt(fields.field("node-selectors"), &selector::KEBAB, found);
    unique::texts(fields.field("communities"), found);
    let mut result = Map::new();
    for (former, today) in names {
        if let Some(value) = spec.remove(*former) {
            result.insert((*today).to_owned(), selectors_renamed(value));
        }
    }
    result
}

/// Selectors inside a value under today's names.
fn selectors_renamed(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(selectors_renamed).collect(),
        Value::Object(fields) => {
            let renamed = fields.into_iter().map(|(name, value)| match name.as_str() {
                "match-labels" => ("matchLabels".to_owned(), value),
                "match-expressions" => ("matchExpressions".to_owned(), value),
                _ => (name, value),
            });
            Value::Object(renamed.collect())
        }
        other => other,
    }
}
