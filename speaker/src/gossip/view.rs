//! What gossip publishes to the rest of the speaker: plain values. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

/// One speaker as gossip knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its Kubernetes node's name.
    pub node: String,
    /// Which start of that node's speaker this is; later starts have higher numbers.
    pub generation: u64,
    /// Where it receives gossip.
    pub addr: SocketAddr,
    /// Whether its heartbeats still arrive. Always true for the speaker itself.
    pub alive: bool,
    /// When its last heartbeat came, if it is dead.
    pub silent_since: Option<Instant>,
    /// The keys it published. For a dead member the last ones received.
    pub state: BTreeMap<String, String>,
}

/// All known speakers, the viewing one included, by node name. Dead members stay,
/// with `alive` false, until gossip forgets them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The members by node name, one per node.
    pub members: BTreeMap<String, Member>,
}
