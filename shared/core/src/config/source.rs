//! The sources of a configuration: the text of a ConfigMap and objects. Pure.

use std::fmt;

use serde_json::Value;

use crate::selector::Labels;

/// All sources that are read as one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The text of the ConfigMap, in the native or in MetalLB's legacy format.
    pub text: Option<String>,
    /// MetalLB's resources in FerroLB's namespace, in any order.
    pub objects: Vec<Object>,
}

/// One of MetalLB's resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `spec` as received from the API server; null if absent.
    pub spec: Value,
}

/// The kinds that make up a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Addresses to assign.
    IpAddressPool,
    /// Announcement on the LAN.
    L2Advertisement,
    /// Announcement by BGP.
    BgpAdvertisement,
    /// A BGP peer.
    BgpPeer,
    /// Failure detection for BGP sessions.
    BfdProfile,
    /// Names of BGP communities.
    Community,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::IpAddressPool,
        Self::L2Advertisement,
        Self::BgpAdvertisement,
        Self::BgpPeer,
        Self::BfdProfile,
        Self::Community,
    ];

    /// The name of the kind in Kubernetes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IpAddressPool => "IPAddressPool",
            Self::L2Advertisement => "L2Advertisement",
            Self::BgpAdvertisement => "BGPAdvertisement",
            Self::BgpPeer => "BGPPeer",
            Self::BfdProfile => "BFDProfile",
            Self::Community => "Community",
        }
    }

    /// The plural, as in the resource's path.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::IpAddressPool => "ipaddresspools",
            Self::L2Advertisement => "l2advertisements",
            Self::BgpAdvertisement => "bgpadvertisements",
            Self::BgpPeer => "bgppeers",
            Self::BfdProfile => "bfdprofiles",
            Self::Community => "communities",
        }
    }

    /// The API version that is read.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::BgpPeer => "v1beta2",
            _ => "v1beta1",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
