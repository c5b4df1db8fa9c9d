//! The configuration: its types, and the reader that finds every fault in one.
//!
//! Pure: text and objects in, [`Config`] or [`Faults`] out. The types are in
//! `pool`, `l2`, `bgp` and `selection`; reading is in `read`, faults in `fault`,
//! typed access with paths in `node`, overlaps in `overlap`, writing in `write`.

mod bgp;
mod fault;
mod l2;
mod node;
mod overlap;
mod pool;
mod read;
mod selection;
mod source;
#[cfg(test)]
mod tests;
mod write;

pub use bgp::{
    BfdProfile, Bgp, BgpAdvertisement, BgpPeer, Community, CommunityAlias, DynamicAsn, Neighbour,
    PeerAsn, Seconds, SecretName,
};
pub use fault::{Fault, Faults, Warning};
pub use l2::{L2Advertisement, PreferredNodes};
pub use pool::{Pool, ServiceAllocation};
pub use selection::PoolSelection;
pub use source::{Kind, Object, Sources};
pub use write::write;

use serde::Serialize;

/// A valid configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The pools: those of the text in their order there, then those of objects by
    /// name. Earlier pools are tried first.
    pub pools: Vec<Pool>,
    /// The layer 2 advertisements, in the same order. If the sources define no
    /// advertisement of any kind, there is one named [`IMPLIED_ADVERTISEMENT`]
    /// that announces every pool on every node.
    pub l2_advertisements: Vec<L2Advertisement>,
    /// The BGP configuration.
    #[serde(flatten)]
    pub bgp: Bgp,
}

/// Name of the default advertisement, which applies where none is configured.
pub const IMPLIED_ADVERTISEMENT: &str = "implied";

/// A configuration and the warnings about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Remarks that do not prevent its use.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads the YAML text of the ConfigMap alone, leaving out the warnings.
    ///
    /// `pools` is required but may be empty: `pools: []` clearly states that no
    /// address is to be assigned, while an empty text or a missing `pools` is more
    /// likely an accident, and an accident must change nothing.
    ///
    /// # Errors
    /// All faults, not only the first.
    pub fn from_yaml(text: &str) -> Result<Self, Faults> {
        let sources = Sources {
            text: Some(text.to_owned()),
            objects: Vec::new(),
        };
        load(&sources).map(|loaded| loaded.config)
    }
}

/// Reads all sources as one configuration.
///
/// # Errors
/// All faults, not only the first.
pub fn load(sources: &Sources) -> Result<Loaded, Faults> {
    read::load(sources)
}
