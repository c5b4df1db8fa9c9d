//! What the gossip plane shows to the rest of the speaker: plain values.
//! May not name chitchat, sockets, or a clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

/// One speaker as the gossip plane knows it.
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
    /// The keys it published. For a dead member the last ones heard.
    pub state: BTreeMap<String, String>,
}

/// All speakers known, the viewing one included, by node name. The dead stay,
/// with `alive` false, until gossip forgets them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The members by node name, one per node.
    pub members: BTreeMap<String, Member>,
}
