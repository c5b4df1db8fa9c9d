//! Strategies for BGP configurations.

use std::net::Ipv4Addr;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::{name, selection, selectors};
use crate::config::{
    BfdProfile, Bgp, BgpAdvertisement, BgpPeer, Community, CommunityAlias, DynamicAsn, Neighbour,
    PeerAsn, Seconds, SecretName,
};

fn profile() -> impl Strategy<Value = BfdProfile> {
    let interval = || option::of(10_u16..=60_000);
    (
        interval(),
        option::of(2_u16..=255),
        any::<bool>(),
        interval(),
    )
        .prop_map(
            |(receive_interval, detect_multiplier, passive_mode, echo_interval)| BfdProfile {
                receive_interval,
                detect_multiplier,
                passive_mode,
                echo_interval,
                minimum_ttl: Some(254),
                ..BfdProfile::default()
            },
        )
}

fn peer_asn() -> impl Strategy<Value = PeerAsn> {
    prop_oneof![
        (1..=u32::MAX).prop_map(PeerAsn::Number),
        Just(PeerAsn::Dynamic(DynamicAsn::Internal)),
        Just(PeerAsn::Dynamic(DynamicAsn::External)),
    ]
}

/// A peer; the caller gives each a different port, so that there are no
/// duplicates.
fn peer() -> impl Strategy<Value = BgpPeer> {
    let neighbour = prop_oneof![
        any::<std::net::IpAddr>().prop_filter_map("no IPv4 inside IPv6", |ip| {
            let mapped = matches!(ip, std::net::IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
            (!mapped).then_some(Neighbour::Address(ip))
        }),
        "[a-z]{1,5}".prop_map(Neighbour::Interface),
    ];
    let times = (option::of(3_u16..), any::<bool>());
    let secret = option::of(("[a-z]{1,5}", option::of("[a-z]{1,5}")));
    (
        peer_asn(),
        neighbour,
        times,
        selectors(),
        secret,
        any::<[bool; 3]>(),
    )
        .prop_map(
            |(peer_asn, neighbour, (hold, keeps), node_selectors, secret, flags)| BgpPeer {
                name: String::new(),
                my_asn: 1,
                peer_asn,
                local_asn: flags[0].then_some(7),
                neighbour,
                source_address: flags[1].then_some(Ipv4Addr::LOCALHOST.into()),
                peer_port: 179,
                hold_time: hold.map(Seconds),
                keepalive_time: keeps.then_some(Seconds(3)),
                connect_time: keeps.then_some(Seconds(u16::MAX)),
                router_id: flags[2].then_some(Ipv4Addr::LOCALHOST),
                node_selectors,
                password: None,
                password_secret: secret.map(|(name, namespace)| SecretName { name, namespace }),
                bfd_profile: None,
                enable_graceful_restart: flags[0],
                ebgp_multi_hop: flags[1] && peer_asn == PeerAsn::Dynamic(DynamicAsn::External),
                vrf: flags[2].then(|| "red".to_owned()),
                disable_mp: flags[1],
                dual_stack_address_family: flags[2],
            },
        )
}

fn advertisement() -> impl Strategy<Value = BgpAdvertisement> {
    let peers = btree_set(name(), 0..3);
    (peers, selection(), selectors(), selectors()).prop_map(
        |(peers, pools, node_selectors, service_selectors)| BgpAdvertisement {
            name: String::new(),
            aggregation_length: 32,
            aggregation_length_v6: 128,
            local_pref: 100,
            communities: vec!["1:2".to_owned(), "large:1:2:3".to_owned()],
            peers,
            pools,
            node_selectors,
            service_selectors,
        },
    )
}

fn communities() -> impl Strategy<Value = Vec<Community>> {
    btree_map(name(), (any::<u16>(), any::<u16>()), 0..4).prop_map(|named| {
        let alias = |(name, (high, low))| CommunityAlias {
            name,
            value: format!("{high}:{low}"),
        };
        let communities = named.into_iter().map(alias).collect();
        vec![Community {
            name: "all".to_owned(),
            communities,
        }]
    })
}

/// A valid BGP configuration.
pub(super) fn bgp() -> impl Strategy<Value = Bgp> {
    let advertisements = btree_map(name(), advertisement(), 0..3);
    let profiles = btree_map(name(), profile(), 0..3);
    (vec(peer(), 0..3), advertisements, profiles, communities()).prop_map(
        |(peers, advertisements, profiles, communities)| {
            let number = |(number, peer): (u16, BgpPeer)| BgpPeer {
                name: format!("p{number}"),
                peer_port: 1 + number,
                ..peer
            };
            let name_ad = |(name, rest)| BgpAdvertisement { name, ..rest };
            let name_profile = |(name, rest)| BfdProfile { name, ..rest };
            Bgp {
                peers: (0_u16..).zip(peers).map(number).collect(),
                advertisements: advertisements.into_iter().map(name_ad).collect(),
                bfd_profiles: profiles.into_iter().map(name_profile).collect(),
                communities,
            }
        },
    )
}
