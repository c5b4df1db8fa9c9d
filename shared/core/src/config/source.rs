//! What a configuration is read from: the text of a ConfigMap and objects.

use std::fmt;

use serde_json::Value;

use crate::selector::Labels;

/// Everything that is read as one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The text in the ConfigMap: our own form, or MetalLB's former one.
    pub text: Option<String>,
    /// MetalLB's resources in our namespace, in any order.
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
    /// `spec`, as the API server gave it; null if there is none.
    pub spec: Value,
}

/// The kinds that make up a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Addresses to hand out.
    IpAddressPool,
    /// Announcement on the LAN.
    L2Advertisement,
    /// Announcement by BGP.
    BgpAdvertisement,
    /// A BGP neighbour.
    BgpPeer,
    /// How a neighbour's loss is detected.
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

    /// The name as Kubernetes knows it.
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

    /// The version of the API that is read.
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
