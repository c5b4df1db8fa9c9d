//! Claims about pinned pools, advertisements, the legacy text, and objects in
//! addition to the text.

use serde_json::json;

use super::{fault, faults};
use crate::config::{Config, IMPLIED_ADVERTISEMENT, Kind, Loaded, Object, Sources, load};
use crate::selector::{Labels, any_matches};

const POOL: &str = "name: a, addresses: [10.0.0.0/24]";

fn allocation(fields: &str) -> String {
    format!("pools: [{{{POOL}, serviceAllocation: {{{fields}}}}}]")
}

fn advertised(fields: &str) -> String {
    format!("{{pools: [{{{POOL}}}], l2Advertisements: [{{name: x, {fields}}}]}}")
}

fn object(kind: Kind, name: &str, spec: serde_json::Value) -> Object {
    let labels = Labels::new();
    let name = name.to_owned();
    Object {
        kind,
        name,
        labels,
        spec,
    }
}

fn loaded(text: Option<&str>, objects: Vec<Object>) -> Loaded {
    let text = text.map(str::to_owned);
    load(&Sources { text, objects }).unwrap()
}

#[test]
fn a_pinned_pool_allows_namespaces_by_name_or_label_and_no_others() {
    let text = allocation("namespaces: [one], namespaceSelectors: [{matchLabels: {team: two}}]");
    let config = Config::from_yaml(&text).unwrap();
    let pinned = config.pools[0].service_allocation.as_ref().unwrap();
    let labels: Labels = [("team".to_owned(), "two".to_owned())].into();
    assert!(pinned.admits_namespace("one", &Labels::new()));
    assert!(pinned.admits_namespace("other", &labels));
    assert!(!pinned.admits_namespace("other", &Labels::new()));
    assert!(pinned.fallback && pinned.priority.is_none() && pinned.max_per_namespace.is_none());
}

#[test]
fn a_pinned_pool_with_only_a_priority_allows_every_service() {
    let config = Config::from_yaml(&allocation("priority: 3")).unwrap();
    let pinned = config.pools[0].service_allocation.as_ref().unwrap();
    assert!(
        pinned.admits_namespace("any", &Labels::new()) && pinned.admits_service(&Labels::new())
    );
    assert_eq!(pinned.priority.map(u32::from), Some(3));
}

#[test]
fn each_fault_of_a_service_allocation_has_its_path() {
    let cases = [
        ("namespaces: [b, b]", "namespaces[1]: duplicate value \"b\""),
        (
            "maxPerNamespace: 0",
            "maxPerNamespace: must be between 1 and 4294967295, not 0",
        ),
        (
            "priority: high",
            "priority: expected a whole number, found \"high\"",
        ),
        (
            "serviceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]",
            "serviceSelectors[1]: duplicates pools[0].serviceAllocation.serviceSelectors[0]",
        ),
        (
            "colour: red",
            "colour: unknown field; allowed fields: priority, namespaces, namespaceSelectors, serviceSelectors, fallback, maxPerNamespace",
        ),
    ];
    for (fields, problem) in cases {
        let expected = format!("pools[0].serviceAllocation.{problem}");
        assert_eq!(fault(&allocation(fields)), expected);
    }
}

#[test]
fn each_fault_of_a_selector_has_its_path() {
    let cases = [
        (
            "{key: a, operator: Near}",
            "[0].operator: must be In, NotIn, Exists or DoesNotExist, not \"Near\"",
        ),
        (
            "{key: a, operator: In}",
            "[0].values: is required with operator In or NotIn",
        ),
        (
            "{key: a, operator: Exists, values: [b]}",
            "[0].values: must be empty with operator Exists or DoesNotExist",
        ),
        (
            "{key: a, operator: In, values: [b, b]}",
            "[0].values[1]: duplicate value \"b\"",
        ),
        (
            "{key: 'a b', operator: Exists}",
            "[0].key: \"a b\" is not a valid label key",
        ),
        (
            "{key: a, operator: In, values: ['-']}",
            "[0].values[0]: \"-\" is not a valid label value",
        ),
        (
            "{key: a, operator: Exists}, {key: a, operator: Exists}",
            "[1]: duplicates l2Advertisements[0].nodeSelectors[0].matchExpressions[0]",
        ),
    ];
    for (expressions, problem) in cases {
        let text = advertised(&format!(
            "nodeSelectors: [{{matchExpressions: [{expressions}]}}]"
        ));
        let place = "l2Advertisements[0].nodeSelectors[0].matchExpressions";
        assert_eq!(fault(&text), format!("{place}{problem}"));
    }
}

#[test]
fn each_fault_of_an_advertisement_has_its_path() {
    let weight = advertised("preferredNodeSelectors: [{weight: 101, preference: {}}]");
    let place = "l2Advertisements[0].preferredNodeSelectors[0].weight";
    assert_eq!(
        fault(&weight),
        format!("{place}: must be between 1 and 100, not 101")
    );
    let preferred = "{weight: 1, preference: {}}";
    let twice = advertised(&format!(
        "preferredNodeSelectors: [{preferred}, {preferred}]"
    ));
    let place = "l2Advertisements[0].preferredNodeSelectors";
    assert_eq!(fault(&twice), format!("{place}[1]: duplicates {place}[0]"));
    let twice = advertised("ipAddressPools: [a, a]");
    assert_eq!(
        fault(&twice),
        "l2Advertisements[0].ipAddressPools[1]: duplicate value \"a\""
    );
}

fn warnings(text: Option<&str>, objects: Vec<Object>) -> Vec<String> {
    let loaded = loaded(text, objects);
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_pool_that_nothing_announces_is_a_warning() {
    let text = "{pools: [{name: a, addresses: [10.0.0.0/24]}], l2Advertisements: []}";
    assert_eq!(
        warnings(Some(text), Vec::new()),
        [
            "l2Advertisements: no advertisement selects pool \"a\"; its addresses will not be announced"
        ]
    );
    let selected = "bgpAdvertisements: [{name: b}]}";
    let text = text.replace("l2Advertisements: []}", selected);
    assert_eq!(
        warnings(Some(&text), Vec::new()),
        ["bgpAdvertisements[0].name: validated, but BGP has no effect yet"]
    );
}

#[test]
fn interfaces_are_names_or_prefixes_with_a_wildcard() {
    let text = advertised("interfaces: [eth1, 'bond*', '*', eth1]");
    assert_eq!(warnings(Some(&text), Vec::new()), [""; 0]);
    let faulty = advertised("interfaces: ['', 'e*h', eth0]");
    assert_eq!(
        faults(&faulty),
        [
            "l2Advertisements[0].interfaces[0]: must not be empty",
            "l2Advertisements[0].interfaces[1]: \"e*h\" is not valid; * is allowed only at the end",
        ]
    );
}

#[test]
fn an_unknown_pool_is_a_warning() {
    assert_eq!(
        warnings(Some(&advertised("ipAddressPools: [a, b]")), Vec::new()),
        ["l2Advertisements[0].ipAddressPools: pool \"b\" does not exist"]
    );
}

#[test]
fn every_pool_is_announced_if_no_advertisement_is_configured() {
    let ads = |text: &str| Config::from_yaml(text).unwrap().l2_advertisements;
    assert_eq!(ads("pools: []")[0].name, IMPLIED_ADVERTISEMENT);
    assert!(ads("{pools: [], l2Advertisements: []}").is_empty());
    assert!(ads("{pools: [], bgpAdvertisements: [{name: b}]}").is_empty());
}

#[test]
fn reads_the_legacy_text() {
    let text = "
address-pools:
- {name: lan, protocol: layer2, addresses: [10.0.0.1-10.0.0.9], auto-assign: false}
- name: routed
  protocol: bgp
  addresses: [10.1.0.0/24]
  bgp-advertisements: [{aggregation-length: 32, localpref: 100}]
peers:
- my-asn: 1
  peer-asn: 2
  peer-address: 10.0.0.254
  node-selectors: [{match-labels: {rack: a}}]
bgp-communities: {none: '1:2'}
bfd-profiles: [{name: fast, receive-interval: 50}]
";
    let config = Config::from_yaml(text).unwrap();
    assert!(!config.pools[0].auto_assign);
    let announced: Vec<_> = config
        .l2_advertisements
        .iter()
        .flat_map(|ad| &ad.pools.names)
        .collect();
    assert_eq!(announced, ["lan"]);
    let routed = &config.bgp.advertisements[0];
    assert_eq!((routed.aggregation_length, routed.local_pref), (32, 100));
    assert!(routed.pools.selects(&config.pools[1]) && !routed.pools.selects(&config.pools[0]));
    let peer = &config.bgp.peers[0];
    assert_eq!(
        (&*peer.name, peer.my_asn, peer.peer_port),
        ("peer1", 1, 179)
    );
    let rack: Labels = [("rack".to_owned(), "a".to_owned())].into();
    assert!(any_matches(&peer.node_selectors, &rack));
    assert_eq!(config.bgp.bfd_profiles[0].receive_interval, Some(50));
    assert_eq!(config.bgp.communities.len(), 1);
}

#[test]
fn faults_of_the_legacy_text_have_its_own_field_names() {
    let text = "address-pools: [{name: a, protocol: l3, addresses: [10.0.0.1], autoAssign: true}]";
    let known = "name, protocol, addresses, auto-assign, avoid-buggy-ips, bgp-advertisements";
    assert_eq!(
        faults(text),
        [
            format!("address-pools[0].autoAssign: unknown field; allowed fields: {known}"),
            "address-pools[0].addresses[0]: 10.0.0.1 has no prefix length; for a single address write \"10.0.0.1/32\"".to_owned(),
            "address-pools[0].protocol: must be layer2 or bgp, not \"l3\"".to_owned(),
        ]
    );
}

#[test]
fn objects_are_read_after_the_text_in_the_order_of_their_names() {
    let pool =
        |name, addresses| object(Kind::IpAddressPool, name, json!({"addresses": [addresses]}));
    let objects = vec![pool("c", "10.2.0.0/24"), pool("b", "10.1.0.0/24")];
    let loaded = loaded(
        Some("pools: [{name: z, addresses: [10.0.0.0/24]}]"),
        objects,
    );
    let names: Vec<_> = loaded.config.pools.iter().map(|pool| &pool.name).collect();
    assert_eq!(names, ["z", "b", "c"]);
}

#[test]
fn an_unknown_field_of_an_object_is_a_warning() {
    let spec = json!({"addresses": ["10.0.0.0/24"], "colour": "red"});
    assert_eq!(
        warnings(None, vec![object(Kind::IpAddressPool, "a", spec)]),
        ["IPAddressPool/a spec.colour: unknown field; ignored"]
    );
}
