//! What is said about BGP. It is kept as written; nothing announces by BGP yet.

use serde_json::Value;

/// Everything about BGP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bgp {
    /// `bgpPeers`: `BGPPeer` (MetalLB's v1beta2).
    pub peers: Vec<Kept>,
    /// `bgpAdvertisements`: `BGPAdvertisement`.
    pub advertisements: Vec<Kept>,
    /// `bfdProfiles`: `BFDProfile`.
    pub bfd_profiles: Vec<Kept>,
    /// `communities`: `Community`.
    pub communities: Vec<Kept>,
}

/// One of the things said about BGP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// `name`: unique among its kind.
    pub name: String,
    /// Its fields, those of MetalLB's resource of this kind, without the name.
    pub spec: Value,
}
