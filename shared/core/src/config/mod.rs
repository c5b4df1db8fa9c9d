//! The configuration: what it may say, and every fault in one that may not be.
//!
//! Pure: text and objects in, [`Config`] or [`Faults`] out. What a configuration
//! consists of is in `pool`, `l2`, `bgp` and `selection`; reading is in `read`,
//! faults in `fault`, typed access with paths in `node`, overlaps in `overlap`,
//! writing in `write`.

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

/// A configuration without faults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The pools: those of the text in the order they were written, then those
    /// of objects by name; earlier ones are tried first.
    pub pools: Vec<Pool>,
    /// Which addresses are answered for on the LAN, in the same order. Where
    /// nothing says how any address is announced, there is one, named
    /// [`IMPLIED_ADVERTISEMENT`], that announces every pool everywhere.
    pub l2_advertisements: Vec<L2Advertisement>,
    /// What is said about BGP.
    #[serde(flatten)]
    pub bgp: Bgp,
}

/// Name of the advertisement that stands in where nobody wrote one.
pub const IMPLIED_ADVERTISEMENT: &str = "implied";

/// A configuration and what is worth telling about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What does not keep it from being used.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads the YAML text of the ConfigMap alone, leaving out the warnings.
    ///
    /// `pools` must be there. It may be empty: `pools: []` is a clear statement
    /// that nothing is to be handed out, while an empty text or a forgotten
    /// `pools` is more likely an accident, and an accident must change nothing.
    ///
    /// # Errors
    /// All faults there are, not only the first.
    pub fn from_yaml(text: &str) -> Result<Self, Faults> {
        let sources = Sources {
            text: Some(text.to_owned()),
            objects: Vec::new(),
        };
        load(&sources).map(|loaded| loaded.config)
    }
}

/// Reads everything a configuration comes from as one.
///
/// # Errors
/// All faults there are, not only the first.
pub fn load(sources: &Sources) -> Result<Loaded, Faults> {
    read::load(sources)
}
