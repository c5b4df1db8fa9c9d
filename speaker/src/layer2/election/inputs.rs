//! The input of the election, as values.

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

/// Counts the owners an IP has had; the claim with the highest epoch wins.
pub type Epoch = u64;

/// One member of the gossip cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberState {
    /// The failure detector considers it alive.
    pub alive: bool,
    /// It is leaving, and its IPs are to be taken over.
    pub draining: bool,
    /// It does not know yet which IPs there are to own.
    pub starting: bool,
    /// No other speaker answers it on the LAN.
    pub isolated: bool,
    /// Its claims; those of a dead member are the last ones received.
    pub claims: BTreeMap<IpAddr, Epoch>,
    /// The IPs that it took from live members that did not answer on the LAN, and
    /// how often in quick succession each was taken so.
    pub forced_takeovers: BTreeMap<IpAddr, u32>,
    /// The IPs that it found in use by foreign hosts.
    pub conflicts: BTreeSet<IpAddr>,
    /// The MACs of its links, by which frames are attributed to it.
    pub macs: BTreeSet<Mac>,
}

/// Whether a monitored member answers on the LAN; the states of neighbour
/// unreachability detection (RFC 4861 §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reachability {
    /// Not monitored, or not for long enough.
    #[default]
    Unknown,
    /// It answers probes for its IPs.
    Reachable,
    /// It did not answer the last probes.
    Probing,
    /// It does not answer, although this node's link works.
    Failed,
}

/// What this node's own probes show of the LAN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanState {
    /// The members that this node monitors.
    pub reachability: BTreeMap<NodeName, Reachability>,
    /// No other speaker answers this node.
    pub isolated: bool,
}

/// Everything else that the decision depends on, at one moment.
#[derive(Debug, Clone, Default)]
pub struct ElectionInput {
    /// Every known member but this node.
    pub others: BTreeMap<NodeName, MemberState>,
    /// This node is leaving.
    pub draining: bool,
    /// For each desired IP the nodes that may announce it, dead or alive, this one
    /// included, each with its preference (0 is none).
    pub candidates: BTreeMap<IpAddr, Arc<Candidates>>,
    /// The IPs for which this node has a link with carrier.
    pub reachable: BTreeSet<IpAddr>,
}

impl ElectionInput {
    /// Whether node `me` comes first by name among the live members.
    #[must_use]
    pub fn is_first(&self, me: &str) -> bool {
        let mut others = self.others.iter();
        !others.any(|(node, other)| other.alive && node.as_str() < me)
    }

    /// Whether a MAC belongs to another member.
    #[must_use]
    pub fn is_member(&self, mac: Mac) -> bool {
        self.others.values().any(|other| other.macs.contains(&mac))
    }
}

/// After this number of forced takeovers in quick succession an IP stays where it is.
pub const FLAP_LIMIT: u32 = 3;

/// The durations of the election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// For how long a suspect's IP is probed before it is taken over.
    pub probe_time: Duration,
    /// For how long an IP is probed that no node ever claimed; zero skips probing.
    pub initial_probe: Duration,
    /// How long the second successor waits for the first to claim; the third waits
    /// twice as long.
    pub rank_backoff: Duration,
    /// How long this node waits before it probes again, when a suspect answered.
    pub retry_delay: Duration,
    /// The same while the suspect goes on answering the monitor.
    pub long_retry_delay: Duration,
    /// The same for an IP that a foreign host uses; also the shortest time between two
    /// defences of an owned IP (RFC 5227 §2.4).
    pub conflict_retry_delay: Duration,
    /// A forced takeover within this time after the previous one is in quick succession.
    /// After [`FLAP_LIMIT`] of them the IP stays where it is for `suppress_time`:
    /// on a partitioned LAN with working gossip it would otherwise flap indefinitely.
    pub flap_window: Duration,
    /// See `flap_window`.
    pub suppress_time: Duration,
    /// For how long the members must be unchanged before this node preempts an owner.
    pub stabilization_window: Duration,
    /// The gap between two preemptions.
    pub rebalance_interval: Duration,
}

impl Timing {
    /// For a gossip interval; `initial_probe` does not depend on it.
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
