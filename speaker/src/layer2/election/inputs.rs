//! What ownership is decided on: values only.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// How much a node is preferred for an IP: the sum of the weights of the
/// advertisements' `preferredNodeSelectors` that match it.
pub type Preference = u32;

/// The nodes that may announce an IP. Many IPs have the same ones, and share
/// one map of them.
pub type Candidates = BTreeMap<NodeName, Preference>;

/// Counts the owners an IP has had; a claim with a higher epoch wins.
pub type Epoch = u64;

/// What is known of one member of the gossip cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberState {
    /// The failure detector holds it for alive.
    pub alive: bool,
    /// It is leaving and wants its IPs taken over.
    pub draining: bool,
    /// It does not yet know what there is to own.
    pub starting: bool,
    /// Nobody answers it on the LAN.
    pub isolated: bool,
    /// What it claims; of a dead member, what it claimed last.
    pub claims: BTreeMap<IpAddr, Epoch>,
    /// The IPs it took from nodes that lived but were not heard on the wire,
    /// and how often in quick succession that happened to each.
    pub forced_takeovers: BTreeMap<IpAddr, u32>,
    /// The IPs it found in the hands of strangers.
    pub conflicts: BTreeSet<IpAddr>,
    /// The MACs of its links, by which it is known on the wire.
    pub macs: BTreeSet<Mac>,
}

/// How a member that this node watches stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reachability {
    /// Not watched, or not for long enough.
    #[default]
    Unknown,
    /// It answers for its IPs.
    Reachable,
    /// It has not answered the last question.
    Probing,
    /// It does not answer, although this node is heard on the LAN.
    Failed,
}

/// Everything the decision depends on, at one moment.
#[derive(Debug, Clone, Default)]
pub struct ElectionInput {
    /// Every known member but this node.
    pub others: BTreeMap<NodeName, MemberState>,
    /// This node is leaving.
    pub draining: bool,
    /// Nobody answers this node on the LAN.
    pub isolated: bool,
    /// How the members stand that this node watches.
    pub wire: BTreeMap<NodeName, Reachability>,
    /// For each wanted IP the nodes that may announce it, dead or alive, this
    /// one included, each with how much it is preferred (0 is not at all).
    pub candidates: BTreeMap<IpAddr, Arc<Candidates>>,
    /// The IPs this node could answer for right now, because it has a link for
    /// them that has carrier.
    pub reachable: BTreeSet<IpAddr>,
}

/// So often in quick succession an IP is taken from nodes that live.
pub const FLAP_LIMIT: u32 = 3;

/// Durations of the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the wire is asked before a suspect's IP is taken over.
    pub probe_time: Duration,
    /// How long the wire is asked for an IP that nobody ever claimed; zero
    /// takes it unasked.
    pub initial_probe: Duration,
    /// How long the second in line waits for the first to claim; the third
    /// waits twice as long.
    pub rank_backoff: Duration,
    /// How long a suspect that answered on the wire is left alone.
    pub retry_delay: Duration,
    /// The same while it goes on answering.
    pub long_retry_delay: Duration,
    /// How long an IP held by a stranger is left alone, and how long a dispute
    /// over an owned one rests once it was defended (RFC 5227 §2.4).
    pub conflict_retry_delay: Duration,
    /// An IP taken from a node that lives, after less than this time with it, is
    /// taken in quick succession. After [`FLAP_LIMIT`] of these it is left for
    /// `truce` with whom it is: a LAN that is cut in two would see it go back
    /// and forth.
    pub flap_window: Duration,
    /// See `succession`.
    pub suppress_time: Duration,
    /// How long a node must have seen the same members before it takes an IP
    /// from one that holds it by right.
    pub stabilization_window: Duration,
    /// The gap between two of those.
    pub rebalance_interval: Duration,
}

impl Timing {
    /// For a gossip interval; `initial_probe` is a choice of its own.
    #[must_use]
    pub fn new(interval: Duration, initial_probe: Duration) -> Self {
        let probe_time = interval * 6 / 5;
        Self {
            probe_time: probe_time.clamp(Duration::from_millis(30), Duration::from_millis(60)),
            initial_probe,
            rank_backoff: interval * 8,
            retry_delay: interval * 5,
            ..Self::default()
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_time: Duration::from_millis(60),
            initial_probe: Duration::from_millis(300),
            rank_backoff: Duration::from_millis(400),
            retry_delay: Duration::from_millis(250),
            long_retry_delay: Duration::from_secs(2),
            conflict_retry_delay: Duration::from_secs(10),
            flap_window: Duration::from_secs(5),
            suppress_time: Duration::from_secs(600),
            stabilization_window: Duration::from_secs(30),
            rebalance_interval: Duration::from_secs(1),
        }
    }
}
