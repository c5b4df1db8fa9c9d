//! What is said about BGP. It is checked and kept; nothing announces by BGP yet.
//! Field names in YAML are those of MetalLB's resources.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Serialize, Serializer};

use super::PoolSelection;
use crate::selector::LabelSelector;

/// Everything about BGP.
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

/// A neighbour: MetalLB's `BGPPeer` (v1beta2).
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
    /// `localASN`: the AS number shown to this peer instead of ours.
    #[serde(rename = "localASN", skip_serializing_if = "Option::is_none")]
    pub local_asn: Option<u32>,
    /// `peerAddress` or `interface`.
    #[serde(flatten)]
    pub neighbour: Neighbour,
    /// `sourceAddress`: where the session comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    /// `peerPort` (default 179).
    pub peer_port: u16,
    /// `holdTime`: 0, or 3 s and more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<Seconds>,
    /// `keepaliveTime`: not above the hold time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive_time: Option<Seconds>,
    /// `connectTime`: 1 s and more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_time: Option<Seconds>,
    /// `routerID`.
    #[serde(rename = "routerID", skip_serializing_if = "Option::is_none")]
    pub router_id: Option<Ipv4Addr>,
    /// `nodeSelectors`: nodes that have the session; empty admits all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `password`, in plain text. It is not written down again: more people may
    /// read a ConfigMap than the resource it may have come from.
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
    /// `ebgpMultiHop`: whether the peer, of another AS, may be several hops away.
    pub ebgp_multi_hop: bool,
    /// `vrf`: name of the VRF the session is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// `disableMP`: means nothing any more.
    #[serde(rename = "disableMP")]
    pub disable_mp: bool,
    /// `dualStackAddressFamily`: whether one session carries both families.
    pub dual_stack_address_family: bool,
}

/// The AS a peer is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum PeerAsn {
    /// `peerASN`: this one.
    #[serde(rename = "peerASN")]
    Number(u32),
    /// `dynamicASN`: whichever it says.
    #[serde(rename = "dynamicASN")]
    Dynamic(DynamicAsn),
}

/// Which AS a peer may say it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DynamicAsn {
    /// Ours.
    Internal,
    /// Any but ours.
    External,
}

/// How a peer is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Neighbour {
    /// `peerAddress`.
    #[serde(rename = "peerAddress")]
    Address(IpAddr),
    /// `interface`: whoever is at its other end.
    #[serde(rename = "interface")]
    Interface(String),
}

/// A Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretName {
    /// Its name.
    pub name: String,
    /// Its namespace; none means ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A time in whole seconds, written `90s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u16);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0))
    }
}

/// Which addresses are announced by BGP, and how: `BGPAdvertisement`.
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
    /// `communities`: values or names of such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// `peers`: names of the peers told; empty means all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub peers: BTreeSet<String>,
    /// `ipAddressPools` and `ipAddressPoolSelectors`.
    #[serde(flatten)]
    pub pools: PoolSelection,
    /// `nodeSelectors`: nodes that announce; empty admits all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `serviceSelectors`: Services that are announced; empty admits all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
}

/// How the loss of a neighbour is detected: `BFDProfile`. Times in milliseconds.
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
    /// `detectMultiplier`: how many packets missed are a loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detect_multiplier: Option<u16>,
    /// `echoInterval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_interval: Option<u16>,
    /// `echoMode`: whether echo packets are sent.
    pub echo_mode: bool,
    /// `passiveMode`: whether the neighbour has to begin.
    pub passive_mode: bool,
    /// `minimumTtl`: least TTL of packets received over several hops.
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
    /// `name`: unique over all of them.
    pub name: String,
    /// `value`: `16bit:16bit`, or `large:32bit:32bit:32bit`.
    pub value: String,
}
