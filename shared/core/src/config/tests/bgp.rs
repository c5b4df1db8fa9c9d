//! Claims about what is said about BGP: each fault with its path and value, and
//! what is taken as it is.

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
fn fields_that_are_there_and_say_nothing_are_not_there() {
    let text = peer(
        "myASN: 1, peerASN: 2, dynamicASN: '', peerAddress: 10.0.0.1, interface: '', peerPort: 0, password: '',
         passwordSecret: {}, routerID: '', localASN: 0",
    );
    let config = Config::from_yaml(&text).unwrap();
    let peer = &config.bgp.peers[0];
    assert_eq!(peer.peer_asn, PeerAsn::Number(2));
    assert_eq!((peer.peer_port, &peer.password_secret), (179, &None));
}

/// Fields of a peer, and what they are told.
const PEERS: &[(&str, &str)] = &[
    (
        "myASN: 0, peerASN: 2, peerAddress: 10.0.0.1",
        "myASN: 0 is not from 1 to 4294967295",
    ),
    ("peerASN: 2, peerAddress: 10.0.0.1", "myASN: is missing"),
    (
        "myASN: 1, peerAddress: 10.0.0.1",
        "peerASN: is missing; this or dynamicASN is needed",
    ),
    (
        "myASN: 1, peerASN: 2, dynamicASN: internal, peerAddress: 10.0.0.1",
        "dynamicASN: cannot be given together with peerASN",
    ),
    (
        "myASN: 1, dynamicASN: any, peerAddress: 10.0.0.1",
        "dynamicASN: \"any\" is neither internal nor external",
    ),
    (
        "myASN: 1, peerASN: 1, peerAddress: 10.0.0.1, ebgpMultiHop: true",
        "ebgpMultiHop: true is for peers of another AS than our 1",
    ),
    (
        "myASN: 1, dynamicASN: internal, peerAddress: 10.0.0.1, ebgpMultiHop: true",
        "ebgpMultiHop: true is for peers of another AS than our 1",
    ),
    (
        "myASN: 1, peerASN: 2",
        "peerAddress: is missing; this or interface is needed",
    ),
    (
        "myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, interface: eth0",
        "interface: cannot be given together with peerAddress",
    ),
    (
        "myASN: 1, peerASN: 2, peerAddress: 10.0.0",
        "peerAddress: \"10.0.0\" is not an address",
    ),
];

/// The same of fields beside those that are needed.
const MORE: &[(&str, &str)] = &[
    (
        "routerID: nine",
        "routerID: \"nine\" is not an IPv4 address",
    ),
    (
        "sourceAddress: here",
        "sourceAddress: \"here\" is not an address",
    ),
    ("peerPort: 16385", "peerPort: 16385 is not from 0 to 16384"),
    ("holdTime: 2s", "holdTime: 2s is not 0s, nor 3s or more"),
    (
        "holdTime: long",
        "holdTime: \"long\" is no time such as 90s",
    ),
    (
        "holdTime: 20h",
        "holdTime: \"20h\" is not from 0s to 65535s",
    ),
    (
        "holdTime: -9s",
        "holdTime: \"-9s\" is not from 0s to 65535s",
    ),
    (
        "keepaliveTime: 91s",
        "keepaliveTime: 91s is above the hold time of 90s",
    ),
    (
        "holdTime: 9s, keepaliveTime: 10s",
        "keepaliveTime: 10s is above the hold time of 9s",
    ),
    (
        "connectTime: 1500ms",
        "connectTime: \"1500ms\" is not in whole seconds",
    ),
    (
        "connectTime: 0s",
        "connectTime: 0s is not from 1s to 65535s",
    ),
    (
        "password: a, passwordSecret: {name: b}",
        "passwordSecret: cannot be given together with password",
    ),
    (
        "bfdProfile: none",
        "bfdProfile: there is no BFDProfile \"none\"",
    ),
    (
        "nodeSelectors: [{}, {}]",
        "nodeSelectors[1]: says the same as bgpPeers[0].nodeSelectors[0]",
    ),
    (
        "nodeSelectors: [{matchExpressions: [{key: a, operator: Near}]}]",
        "nodeSelectors[0].matchExpressions[0].operator: \"Near\" is none of In, NotIn, Exists, DoesNotExist",
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
fn refuses_one_peer_under_two_names() {
    let text = document(
        "",
        &format!("bgpPeers: [{{name: a, {PEER}}}, {{name: b, {PEER}}}]"),
    );
    assert_eq!(
        fault(&text),
        "bgpPeers[1].name: says the same as bgpPeers[0].name"
    );
}

#[test]
fn each_fault_of_an_advertisement_has_its_path() {
    let cases = [
        (
            "aggregationLength: 33",
            "aggregationLength: 33 is not from 1 to 32",
        ),
        (
            "aggregationLengthV6: 0",
            "aggregationLengthV6: 0 is not from 1 to 128",
        ),
        ("localPref: -1", "localPref: -1 is not from 0 to 4294967295"),
        (
            "communities: ['1:2', '1:2']",
            "communities[1]: \"1:2\" is there twice",
        ),
        (
            "communities: ['1:65536']",
            "communities[0]: \"1:65536\" is neither of the form 65535:65535 nor large:4294967295:4294967295:4294967295",
        ),
        (
            "communities: ['large:1:2']",
            "communities[0]: \"large:1:2\" is neither of the form 65535:65535 nor large:4294967295:4294967295:4294967295",
        ),
        (
            "communities: [nobody]",
            "communities: \"nobody\" is neither a community nor the name of one",
        ),
        ("peers: [p, p]", "peers[1]: \"p\" is there twice"),
        (
            "ipAddressPools: [four, four]",
            "ipAddressPools[1]: \"four\" is there twice",
        ),
        (
            "serviceSelectors: [{}], aggregationLength: 30",
            "serviceSelectors: cannot choose among the addresses of a prefix: leave out aggregationLength and aggregationLengthV6, or this",
        ),
        (
            "aggregationLength: 27",
            "aggregationLength: a /27 is more than 10.0.0.16/28 of pool \"four\" has, of which the widest block is a /28",
        ),
        (
            "aggregationLengthV6: 125",
            "aggregationLengthV6: a /125 is more than fd77::1-fd77::9 of pool \"six\" has, of which the widest block is a /126",
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
fn two_preferences_for_one_prefix_are_a_fault_where_they_are_sure_to_meet() {
    let second = |one: &str, two: &str| {
        let pools = "{name: four, addresses: [10.0.0.16/28]}";
        document(
            pools,
            &format!("bgpAdvertisements: [{{name: x, {one}}}, {{name: y, {two}}}]"),
        )
    };
    assert_eq!(
        fault(&second("localPref: 5", "localPref: 6")),
        "bgpAdvertisements[1].localPref: 6 differs from 5 of BGPAdvertisement \"x\", which announces pool \"four\" to the same peers from the same nodes"
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
            "receiveInterval: 9 is not from 10 to 60000",
        ),
        (
            "transmitInterval: 60001",
            "transmitInterval: 60001 is not from 10 to 60000",
        ),
        ("echoInterval: 0", "echoInterval: 0 is not from 10 to 60000"),
        (
            "detectMultiplier: 1",
            "detectMultiplier: 1 is not from 2 to 255",
        ),
        ("minimumTtl: 255", "minimumTtl: 255 is not from 1 to 254"),
    ];
    for (fields, problem) in cases {
        let text = document("", &format!("bfdProfiles: [{{name: b, {fields}}}]"));
        assert_eq!(fault(&text), format!("bfdProfiles[0].{problem}"));
    }
    let twice = document("", "bfdProfiles: [{name: b}, {name: b}]");
    assert!(fault(&twice).starts_with("bfdProfiles[1].name: "));
}

#[test]
fn echo_mode_does_not_go_with_ipv6_that_the_peer_is_told() {
    let rest = format!(
        "bgpPeers: [{{name: p, {PEER}, bfdProfile: b}}], bfdProfiles: [{{name: b, echoMode: true}}]"
    );
    assert_eq!(
        fault(&advertised("localPref: 1", &rest)),
        "bgpPeers[0].bfdProfile: \"b\" has echoMode, which does not go with the IPv6 addresses of pool \"six\" that this peer is told"
    );
    assert!(Config::from_yaml(&advertised("ipAddressPools: [four]", &rest)).is_ok());
    assert!(Config::from_yaml(&advertised("peers: [other]", &rest)).is_ok());
}

#[test]
fn a_name_of_a_community_is_there_once_and_has_a_value() {
    let text = document(
        "",
        "communities: [{name: a, communities: [{name: x, value: '1:2'}, {name: y, value: 'large:1:2:3'}]},
                       {name: b, communities: [{name: x, value: '1:3'}, {name: z, value: none}, {value: '1:1'}]}]",
    );
    assert_eq!(
        faults(&text),
        [
            "communities[1].communities[1].value: \"none\" is neither of the form 65535:65535 nor large:4294967295:4294967295:4294967295",
            "communities[1].communities[2].name: is missing",
            "communities[1].communities[0].name: \"x\" is the name of communities[0].communities[0].name already",
        ]
    );
    let used = advertised(
        "communities: [x]",
        "communities: [{name: a, communities: [{name: x, value: '1:2'}]}]",
    );
    assert!(Config::from_yaml(&used).is_ok());
}

#[test]
fn the_former_text_is_held_to_the_same_rules_by_its_own_names() {
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
            format!("peers[0].peerASN: unknown field; known are {known}"),
            "peers[0].peer-address: \"here\" is not an address".to_owned(),
            "peers[0].hold-time: 1s is not 0s, nor 3s or more".to_owned(),
            "peers[1].node-selectors[0].matchLabels: unknown field; known are match-labels, match-expressions".to_owned(),
            "peers[1].ebgp-multihop: true is for peers of another AS than our 1".to_owned(),
            "bfd-profiles[0].echo-interval: 5 is not from 10 to 60000".to_owned(),
            "bfd-profiles[1].name: is missing".to_owned(),
            "bgp-communities.x: \"1:b\" is neither of the form 65535:65535 nor large:4294967295:4294967295:4294967295".to_owned(),
            "address-pools[0].bgp-advertisements[0].communities: \"nobody\" is neither a community nor the name of one".to_owned(),
            "address-pools[0].bgp-advertisements[0].aggregation-length: a /24 is more than 10.0.0.0/28 of pool \"a\" has, of which the widest block is a /28".to_owned(),
        ]
    );
}

#[test]
fn a_password_is_read_but_not_written_down_again() {
    let config = Config::from_yaml(&peer(&format!("{PEER}, password: hidden"))).unwrap();
    assert_eq!(config.bgp.peers[0].password.as_deref(), Some("hidden"));
    assert!(!write(&config).unwrap().contains("hidden"));
}
