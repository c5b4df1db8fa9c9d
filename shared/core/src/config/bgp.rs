//! The BGP configuration: validated and stored, without effect so far. Field
//! names in YAML are those of MetalLB's resources. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Serialize, Serializer};

use super::PoolSelection;
use crate::selector::LabelSelector;

/// The BGP configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bgp {
    /// `bgpPeers`.
    #[serde(rename = "bgpPeers", skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<BgpPeer>,
    /// `bgpAdvertisements`.
    #[serde(rename = "bgpAdvertisements", skip_serializing_if = "Vec::is_empty")]
    pub advertisements: Vec<BgpAdvertisement>,
    /// `bfdProfiles`.
    #[serde(rename = "bfdProfiles", skip_serializing_if = "Vec::is_empty")]
    pub bfd_profiles: Vec<BfdProfile>,
    /// `communities`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<Community>,
}

/// A BGP peer: MetalLB's `BGPPeer` (v1beta2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpPeer {
    /// `name`: unique, not empty.
    pub name: String,
    /// `myASN`: our AS number, not 0.
    #[serde(rename = "myASN")]
    pub my_asn: u32,
    /// `peerASN` or `dynamicASN`.
    #[serde(flatten)]
    pub peer_asn: PeerAsn,
    /// `localASN`: the AS number presented to this peer instead of `myASN`.
    #[serde(rename = "localASN", skip_serializing_if = "Option::is_none")]
    pub local_asn: Option<u32>,
    /// `peerAddress` or `interface`.
    #[serde(flatten)]
    pub neighbour: Neighbour,
    /// `sourceAddress`: the local address of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    /// `peerPort` (default 179).
    pub peer_port: u16,
    /// `holdTime`: 0, or at least 3 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<Seconds>,
    /// `keepaliveTime`: at most the hold time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive_time: Option<Seconds>,
    /// `connectTime`: at least 1 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_time: Option<Seconds>,
    /// `routerID`.
    #[serde(rename = "routerID", skip_serializing_if = "Option::is_none")]
    pub router_id: Option<Ipv4Addr>,
    /// `nodeSelectors`: nodes that open the session; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `password`, in plain text. Never written back: more users may read a
    /// ConfigMap than the resource it may have come from.
    #[serde(skip)]
    pub password: Option<String>,
    /// `passwordSecret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretName>,
    /// `bfdProfile`: name of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bfd_profile: Option<String>,
    /// `enableGracefulRestart`.
    pub enable_graceful_restart: bool,
    /// `ebgpMultiHop`: whether an external peer may be several hops away.
    pub ebgp_multi_hop: bool,
    /// `vrf`: name of the VRF of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// `disableMP`: deprecated, without effect.
    #[serde(rename = "disableMP")]
    pub disable_mp: bool,
    /// `dualStackAddressFamily`: whether one session carries both IP families.
    pub dual_stack_address_family: bool,
}

/// The AS of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PeerAsn {
    /// `peerASN`: this number.
    #[serde(rename = "peerASN")]
    Number(u32),
    /// `dynamicASN`: taken from the peer's OPEN message.
    #[serde(rename = "dynamicASN")]
    Dynamic(DynamicAsn),
}

/// Which AS numbers are accepted from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DynamicAsn {
    /// `myASN` only.
    Internal,
    /// Any other than `myASN`.
    External,
}

/// How a peer is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Neighbour {
    /// `peerAddress`.
    #[serde(rename = "peerAddress")]
    Address(IpAddr),
    /// `interface`: the neighbour discovered on it (unnumbered BGP).
    #[serde(rename = "interface")]
    Interface(String),
}

/// A reference to a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretName {
    /// Its name.
    pub name: String,
    /// Its namespace; none means FerroLB's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A duration in whole seconds, written `90s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u16);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0))
    }
}

/// Which addresses are announced by BGP, and with which attributes:
/// `BGPAdvertisement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BgpAdvertisement {
    /// `name`: unique, not empty.
    pub name: String,
    /// `aggregationLength` (default 32): length of the IPv4 prefixes announced.
    pub aggregation_length: u8,
    /// `aggregationLengthV6` (default 128): the same for IPv6.
    pub aggregation_length_v6: u8,
    /// `localPref` (default 0).
    pub local_pref: u32,
    /// `communities`: values, or names defined by a `Community`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// `peers`: names of the peers that receive it; empty means all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub peers: BTreeSet<String>,
    /// `ipAddressPools` and `ipAddressPoolSelectors`.
    #[serde(flatten)]
    pub pools: PoolSelection,
    /// `nodeSelectors`: nodes that announce; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `serviceSelectors`: Services that are announced; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
}

/// Failure detection for BGP sessions: `BFDProfile`. Intervals are in
/// milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BfdProfile {
    /// `name`: unique, not empty.
    pub name: String,
    /// `receiveInterval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_interval: Option<u16>,
    /// `transmitInterval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_interval: Option<u16>,
    /// `detectMultiplier`: number of missed packets after which the session is
    /// down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detect_multiplier: Option<u16>,
    /// `echoInterval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_interval: Option<u16>,
    /// `echoMode`: whether echo packets are sent.
    pub echo_mode: bool,
    /// `passiveMode`: whether the peer must start the session.
    pub passive_mode: bool,
    /// `minimumTtl`: minimum TTL of packets received in multi-hop sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_ttl: Option<u16>,
}

/// Names of BGP communities: `Community`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Community {
    /// `name`: unique, not empty.
    pub name: String,
    /// `communities`.
    pub communities: Vec<CommunityAlias>,
}

/// The name of a BGP community.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CommunityAlias {
    /// `name`: unique among all communities.
    pub name: String,
    /// `value`: `16bit:16bit`, or `large:32bit:32bit:32bit`.
    pub value: String,
}
