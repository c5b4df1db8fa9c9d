//! Claims about the BGP configuration: what is accepted, and each fault with its
//! path and value.

use super::{fault, faults};
use crate::config::{Config, Neighbour, PeerAsn, Seconds, write};

const PEER: &str = "myASN: 1, peerASN: 2, peerAddress: 10.0.0.1";

fn document(pools: &str, rest: &str) -> String {
    format!("{{pools: [{pools}], {rest}}}")
}

fn peer(fields: &str) -> String {
    document("", &format!("bgpPeers: [{{name: p, {fields}}}]"))
}

/// An advertisement of a pool with a /28 and one with IPv6.
fn advertised(fields: &str, rest: &str) -> String {
    let pools =
        "{name: four, addresses: [10.0.0.16/28]}, {name: six, addresses: ['fd77::1-fd77::9']}";
    let rest = format!("bgpAdvertisements: [{{name: x, {fields}}}], {rest}");
    document(pools, &rest)
}

#[test]
fn reads_every_field_of_a_peer() {
    let text = peer(
        "myASN: 64512, dynamicASN: external, localASN: 5, interface: eth0, sourceAddress: 'fd77::1', peerPort: 1179,
         holdTime: 1m30s, keepaliveTime: 10s, connectTime: 5s, routerID: 10.0.0.9,
         nodeSelectors: [{matchLabels: {rack: a}}], passwordSecret: {name: s, namespace: n}, bfdProfile: '',
         enableGracefulRestart: true, ebgpMultiHop: true, vrf: red, disableMP: true, dualStackAddressFamily: true",
    );
    let config = Config::from_yaml(&text).unwrap();
    let peer = &config.bgp.peers[0];
    assert_eq!(peer.hold_time, Some(Seconds(90)));
    assert_eq!(peer.neighbour, Neighbour::Interface("eth0".to_owned()));
    assert_eq!((peer.peer_port, peer.local_asn), (1179, Some(5)));
    assert_eq!(peer.bfd_profile, None);
}

#[test]
fn empty_fields_count_as_absent() {
    let text = peer(
        "myASN: 1, peerASN: 2, dynamicASN: '', peerAddress: 10.0.0.1, interface: '', peerPort: 0, password: '',
         passwordSecret: {}, routerID: '', localASN: 0",
    );
    let config = Config::from_yaml(&text).unwrap();
    let peer = &config.bgp.peers[0];
    assert_eq!(peer.peer_asn, PeerAsn::Number(2));
    assert_eq!((peer.peer_port, &peer.password_secret), (179, &None));
}

/// Fields of a peer, and the fault they cause.
const PEERS: &[(&str, &str)] = &[
    (
        "myASN: 0, peerASN: 2, peerAddress: 10.0.0.1",
        "myASN: must be between 1 and 4294967295, not 0",
    ),
    ("peerASN: 2, peerAddress: 10.0.0.1", "myASN: is missing"),
    (
        "myASN: 1, peerAddress: 10.0.0.1",
        "peerASN: is missing; set either this field or dynamicASN",
    ),
    (
        "myASN: 1, peerASN: 2, dynamicASN: internal, peerAddress: 10.0.0.1",
        "dynamicASN: cannot be set together with peerASN",
    ),
    (
        "myASN: 1, dynamicASN: any, peerAddress: 10.0.0.1",
        "dynamicASN: must be internal or external, not \"any\"",
    ),
    (
        "myASN: 1, peerASN: 1, peerAddress: 10.0.0.1, ebgpMultiHop: true",
        "ebgpMultiHop: is only for peers outside our AS 1",
    ),
    (
        "myASN: 1, dynamicASN: internal, peerAddress: 10.0.0.1, ebgpMultiHop: true",
        "ebgpMultiHop: is only for peers outside our AS 1",
    ),
    (
        "myASN: 1, peerASN: 2",
        "peerAddress: is missing; set either this field or interface",
    ),
    (
        "myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, interface: eth0",
        "interface: cannot be set together with peerAddress",
    ),
    (
        "myASN: 1, peerASN: 2, peerAddress: 10.0.0",
        "peerAddress: \"10.0.0\" is not an IP address",
    ),
];

/// The same for fields in addition to the required ones.
const MORE: &[(&str, &str)] = &[
    (
        "routerID: nine",
        "routerID: \"nine\" is not an IPv4 address",
    ),
    (
        "sourceAddress: here",
        "sourceAddress: \"here\" is not an IP address",
    ),
    (
        "peerPort: 16385",
        "peerPort: must be between 0 and 16384, not 16385",
    ),
    (
        "holdTime: 2s",
        "holdTime: must be 0s or at least 3s, not 2s",
    ),
    (
        "holdTime: long",
        "holdTime: \"long\" is not a duration such as 90s",
    ),
    (
        "holdTime: 20h",
        "holdTime: must be between 0s and 65535s, not \"20h\"",
    ),
    (
        "holdTime: -9s",
        "holdTime: must be between 0s and 65535s, not \"-9s\"",
    ),
    (
        "keepaliveTime: 91s",
        "keepaliveTime: must not exceed the hold time of 90s, but is 91s",
    ),
    (
        "holdTime: 9s, keepaliveTime: 10s",
        "keepaliveTime: must not exceed the hold time of 9s, but is 10s",
    ),
    (
        "connectTime: 1500ms",
        "connectTime: must be in whole seconds, not \"1500ms\"",
    ),
    (
        "connectTime: 0s",
        "connectTime: must be between 1s and 65535s, not 0s",
    ),
    (
        "password: a, passwordSecret: {name: b}",
        "passwordSecret: cannot be set together with password",
    ),
    (
        "bfdProfile: none",
        "bfdProfile: BFDProfile \"none\" does not exist",
    ),
    (
        "nodeSelectors: [{}, {}]",
        "nodeSelectors[1]: duplicates bgpPeers[0].nodeSelectors[0]",
    ),
    (
        "nodeSelectors: [{matchExpressions: [{key: a, operator: Near}]}]",
        "nodeSelectors[0].matchExpressions[0].operator: must be In, NotIn, Exists or DoesNotExist, not \"Near\"",
    ),
];

#[test]
fn each_fault_of_a_peer_has_its_path() {
    for (fields, problem) in PEERS {
        assert_eq!(fault(&peer(fields)), format!("bgpPeers[0].{problem}"));
    }
    for (fields, problem) in MORE {
        let text = peer(&format!("{PEER}, {fields}"));
        assert_eq!(fault(&text), format!("bgpPeers[0].{problem}"));
    }
}

#[test]
fn rejects_one_peer_under_two_names() {
    let text = document(
        "",
        &format!("bgpPeers: [{{name: a, {PEER}}}, {{name: b, {PEER}}}]"),
    );
    assert_eq!(
        fault(&text),
        "bgpPeers[1].name: duplicates bgpPeers[0].name"
    );
}

#[test]
fn each_fault_of_an_advertisement_has_its_path() {
    let cases = [
        (
            "aggregationLength: 33",
            "aggregationLength: must be between 1 and 32, not 33",
        ),
        (
            "aggregationLengthV6: 0",
            "aggregationLengthV6: must be between 1 and 128, not 0",
        ),
        (
            "localPref: -1",
            "localPref: must be between 0 and 4294967295, not -1",
        ),
        (
            "communities: ['1:2', '1:2']",
            "communities[1]: duplicate value \"1:2\"",
        ),
        (
            "communities: ['1:65536']",
            "communities[0]: must have the form 65535:65535 or large:4294967295:4294967295:4294967295, not \"1:65536\"",
        ),
        (
            "communities: ['large:1:2']",
            "communities[0]: must have the form 65535:65535 or large:4294967295:4294967295:4294967295, not \"large:1:2\"",
        ),
        (
            "communities: [nobody]",
            "communities: community \"nobody\" is not defined",
        ),
        ("peers: [p, p]", "peers[1]: duplicate value \"p\""),
        (
            "ipAddressPools: [four, four]",
            "ipAddressPools[1]: duplicate value \"four\"",
        ),
        (
            "serviceSelectors: [{}], aggregationLength: 30",
            "serviceSelectors: cannot be combined with aggregationLength or aggregationLengthV6: a prefix covers more than the selected Services",
        ),
        (
            "aggregationLength: 27",
            "aggregationLength: must be at least 28 for 10.0.0.16/28 of pool \"four\", not 27",
        ),
        (
            "aggregationLengthV6: 125",
            "aggregationLengthV6: must be at least 126 for fd77::1-fd77::9 of pool \"six\", not 125",
        ),
    ];
    for (fields, problem) in cases {
        let text = advertised(fields, "");
        assert_eq!(fault(&text), format!("bgpAdvertisements[0].{problem}"));
    }
    let fits = advertised("aggregationLength: 28, aggregationLengthV6: 126", "");
    assert!(Config::from_yaml(&fits).is_ok());
    let elsewhere = advertised("ipAddressPools: [six], aggregationLength: 8", "");
    assert!(Config::from_yaml(&elsewhere).is_ok());
}

#[test]
fn two_preferences_for_one_prefix_are_a_fault_if_they_certainly_conflict() {
    let second = |one: &str, two: &str| {
        let pools = "{name: four, addresses: [10.0.0.16/28]}";
        document(
            pools,
            &format!("bgpAdvertisements: [{{name: x, {one}}}, {{name: y, {two}}}]"),
        )
    };
    assert_eq!(
        fault(&second("localPref: 5", "localPref: 6")),
        "bgpAdvertisements[1].localPref: 6 conflicts with 5 of BGPAdvertisement \"x\", which announces pool \"four\" to the same peers from the same nodes"
    );
    let apart = [
        ("localPref: 5, aggregationLength: 30", "localPref: 6"),
        ("localPref: 5, peers: [a]", "localPref: 6, peers: [b]"),
        (
            "localPref: 5, nodeSelectors: [{matchLabels: {a: b}}]",
            "localPref: 6, nodeSelectors: [{matchLabels: {a: c}}]",
        ),
        ("localPref: 5, serviceSelectors: [{}]", "localPref: 6"),
        ("localPref: 5, ipAddressPools: [other]", "localPref: 6"),
        ("localPref: 5", "localPref: 5"),
    ];
    for (one, two) in apart {
        assert!(
            Config::from_yaml(&second(one, two)).is_ok(),
            "{one} and {two}"
        );
    }
}

#[test]
fn each_fault_of_a_profile_has_its_path() {
    let cases = [
        (
            "receiveInterval: 9",
            "receiveInterval: must be between 10 and 60000, not 9",
        ),
        (
            "transmitInterval: 60001",
            "transmitInterval: must be between 10 and 60000, not 60001",
        ),
        (
            "echoInterval: 0",
            "echoInterval: must be between 10 and 60000, not 0",
        ),
        (
            "detectMultiplier: 1",
            "detectMultiplier: must be between 2 and 255, not 1",
        ),
        (
            "minimumTtl: 255",
            "minimumTtl: must be between 1 and 254, not 255",
        ),
    ];
    for (fields, problem) in cases {
        let text = document("", &format!("bfdProfiles: [{{name: b, {fields}}}]"));
        assert_eq!(fault(&text), format!("bfdProfiles[0].{problem}"));
    }
    let twice = document("", "bfdProfiles: [{name: b}, {name: b}]");
    assert!(fault(&twice).starts_with("bfdProfiles[1].name: "));
}

#[test]
fn echo_mode_is_a_fault_if_ipv6_is_announced_to_the_peer() {
    let rest = format!(
        "bgpPeers: [{{name: p, {PEER}, bfdProfile: b}}], bfdProfiles: [{{name: b, echoMode: true}}]"
    );
    assert_eq!(
        fault(&advertised("localPref: 1", &rest)),
        "bgpPeers[0].bfdProfile: \"b\" enables echoMode, which does not support the IPv6 addresses of pool \"six\" announced to this peer"
    );
    assert!(Config::from_yaml(&advertised("ipAddressPools: [four]", &rest)).is_ok());
    assert!(Config::from_yaml(&advertised("peers: [other]", &rest)).is_ok());
}

#[test]
fn a_community_name_is_unique_and_has_a_value() {
    let text = document(
        "",
        "communities: [{name: a, communities: [{name: x, value: '1:2'}, {name: y, value: 'large:1:2:3'}]},
                       {name: b, communities: [{name: x, value: '1:3'}, {name: z, value: none}, {value: '1:1'}]}]",
    );
    assert_eq!(
        faults(&text),
        [
            "communities[1].communities[1].value: must have the form 65535:65535 or large:4294967295:4294967295:4294967295, not \"none\"",
            "communities[1].communities[2].name: is missing",
            "communities[1].communities[0].name: duplicate name \"x\", already used at communities[0].communities[0].name",
        ]
    );
    let used = advertised(
        "communities: [x]",
        "communities: [{name: a, communities: [{name: x, value: '1:2'}]}]",
    );
    assert!(Config::from_yaml(&used).is_ok());
}

#[test]
fn the_legacy_text_has_the_same_rules_under_its_own_field_names() {
    let text = "
address-pools:
- {name: a, protocol: bgp, addresses: [10.0.0.0/28], bgp-advertisements: [{aggregation-length: 24, communities: [nobody]}]}
peers:
- {my-asn: 1, peer-asn: 1, peer-address: here, hold-time: 1s, peerASN: 2}
- {my-asn: 1, peer-asn: 1, peer-address: 10.0.0.1, ebgp-multihop: true, node-selectors: [{matchLabels: {}}]}
bfd-profiles: [{name: b, echo-interval: 5}, {}]
bgp-communities: {x: '1:b'}
";
    let known = "my-asn, peer-asn, peer-address, source-address, peer-port, hold-time, keepalive-time, router-id, node-selectors, password, bfd-profile, ebgp-multihop";
    assert_eq!(
        faults(text),
        [
            format!("peers[0].peerASN: unknown field; allowed fields: {known}"),
            "peers[0].peer-address: \"here\" is not an IP address".to_owned(),
            "peers[0].hold-time: must be 0s or at least 3s, not 1s".to_owned(),
            "peers[1].node-selectors[0].matchLabels: unknown field; allowed fields: match-labels, match-expressions".to_owned(),
            "peers[1].ebgp-multihop: is only for peers outside our AS 1".to_owned(),
            "bfd-profiles[0].echo-interval: must be between 10 and 60000, not 5".to_owned(),
            "bfd-profiles[1].name: is missing".to_owned(),
            "bgp-communities.x: must have the form 65535:65535 or large:4294967295:4294967295:4294967295, not \"1:b\"".to_owned(),
            "address-pools[0].bgp-advertisements[0].communities: community \"nobody\" is not defined".to_owned(),
            "address-pools[0].bgp-advertisements[0].aggregation-length: must be at least 28 for 10.0.0.0/28 of pool \"a\", not 24".to_owned(),
        ]
    );
}

#[test]
fn a_password_is_read_but_never_written() {
    let config = Config::from_yaml(&peer(&format!("{PEER}, password: hidden"))).unwrap();
    assert_eq!(config.bgp.peers[0].password.as_deref(), Some("hidden"));
    assert!(!write(&config).unwrap().contains("hidden"));
}
