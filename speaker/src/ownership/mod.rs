//! Which IPs this node owns: claims with epochs, one small state machine per
//! IP. Pure: facts and time in, actions out; it never waits, sends or asks the
//! clock.
//!
//! The owner of an IP is the live claimant with the highest (epoch, rank). If
//! there is none, the successor is the same for everyone who sees the same
//! facts; it asks the wire, then claims with the next epoch, then announces.
//! A claimant that sees a higher claim withdraws.

mod entry;
mod outlook;
mod rank;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::wire::mac::Mac;
use entry::{Entry, Turn};
use outlook::Outlook;
pub use rank::rank;

/// A Kubernetes Node's name; a speaker goes by the name of its Node.
pub type Node = String;

/// How much a node is preferred for an IP: the sum of the weights of the
/// advertisements' `preferredNodeSelectors` that match it.
pub type Preference = u32;

/// Counts the owners an IP has had; a claim with a higher epoch wins.
pub type Epoch = u64;

/// What is known of one member of the gossip cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The failure detector holds it for alive.
    pub alive: bool,
    /// It is leaving and wants its IPs taken over.
    pub draining: bool,
    /// What it claims; of a dead member, what it claimed last.
    pub claims: BTreeMap<IpAddr, Epoch>,
    /// The MACs of its links, by which it is known on the wire.
    pub macs: BTreeSet<Mac>,
}

/// Everything the decision depends on, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every known member but this node.
    pub others: BTreeMap<Node, Standing>,
    /// This node is leaving.
    pub draining: bool,
    /// For each wanted IP the nodes that may announce it, dead or alive, this
    /// one included, each with how much it is preferred (0 is not at all).
    pub candidates: BTreeMap<IpAddr, BTreeMap<Node, Preference>>,
    /// The IPs this node could answer for right now, because it has a link for
    /// them that has carrier.
    pub reachable: BTreeSet<IpAddr>,
}

/// Durations of the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the wire is asked before a suspect's IP is taken over.
    pub ask: Duration,
    /// How long the wire is asked for an IP that nobody ever claimed.
    pub ask_fresh: Duration,
    /// How long the second in line waits for the first to claim; the third
    /// waits twice as long.
    pub patience: Duration,
    /// How long a suspect that answered on the wire is left alone.
    pub respite: Duration,
    /// How long an IP held by a stranger is left alone.
    pub conflict_respite: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ask: Duration::from_millis(60),
            ask_fresh: Duration::from_millis(150),
            patience: Duration::from_millis(400),
            respite: Duration::from_millis(250),
            conflict_respite: Duration::from_secs(10),
        }
    }
}

/// Why this node took an IP; labels the takeover metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Nobody had claimed it before.
    Fresh,
    /// Its owner fell silent.
    Failover,
    /// Its owner is alive and gives it up.
    HandOver,
}

impl Cause {
    /// The cause as a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Failover => "failover",
            Self::HandOver => "hand-over",
        }
    }
}

/// What the engine has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the wire who answers for the IP, repeatedly until `until`.
    Ask {
        /// The IP to ask for.
        ip: IpAddr,
        /// When the verdict falls.
        until: Instant,
    },
    /// Publish the claim, begin to answer and announce.
    TakeOver {
        /// The IP.
        ip: IpAddr,
        /// The epoch to claim it with.
        epoch: Epoch,
        /// Why.
        cause: Cause,
        /// The previous owner, if one is known.
        from: Option<Node>,
    },
    /// Announce again: the claim is undisputed (once more).
    Announce {
        /// The IP.
        ip: IpAddr,
    },
    /// Stop answering and take the claim back.
    Withdraw {
        /// The IP.
        ip: IpAddr,
        /// Who owns it now, if anybody.
        to: Option<Node>,
    },
    /// A machine that is no speaker answers for the IP.
    Conflict {
        /// The IP.
        ip: IpAddr,
        /// The stranger.
        mac: Mac,
    },
}

/// The IPs of one node.
#[derive(Debug)]
pub struct Ownership {
    me: Node,
    timing: Timing,
    entries: BTreeMap<IpAddr, Entry>,
}

impl Ownership {
    /// A node that owns nothing yet.
    #[must_use]
    pub fn new(me: Node, timing: Timing) -> Self {
        Self {
            me,
            timing,
            entries: BTreeMap::new(),
        }
    }

    /// The IPs this node answers for now. One whose owner is in doubt about
    /// itself is claimed, but not answered for.
    pub fn answering(&self) -> impl Iterator<Item = IpAddr> {
        self.entries
            .iter()
            .filter(|(_, entry)| entry.answers())
            .map(|(ip, _)| *ip)
    }

    /// The claims this node publishes.
    pub fn claims(&self) -> impl Iterator<Item = (IpAddr, Epoch)> {
        self.entries
            .iter()
            .filter_map(|(ip, entry)| Some((*ip, entry.epoch()?)))
    }

    /// Decides anew on every IP.
    pub fn step(&mut self, facts: &Facts, now: Instant) -> Vec<Action> {
        let ips = self.relevant(facts);
        let mut outlook = Outlook::new(&self.me, facts, self.claims().count());
        let mut actions = Vec::new();
        for ip in ips {
            let own = self.entries.get(&ip).and_then(Entry::epoch);
            let situation = outlook.situation(ip, own);
            let mut turn = Turn::new(ip, now, self.timing, &mut actions);
            self.entries
                .entry(ip)
                .or_default()
                .step(&situation, &mut turn);
        }
        self.entries
            .retain(|ip, entry| facts.candidates.contains_key(ip) || !entry.is_idle());
        actions
    }

    /// Somebody else answered for an IP, or announced it.
    pub fn heard(&mut self, ip: IpAddr, mac: Mac, facts: &Facts, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(entry) = self.entries.get_mut(&ip) {
            let member = facts.others.values().any(|other| other.macs.contains(&mac));
            let mut turn = Turn::new(ip, now, self.timing, &mut actions);
            entry.heard(mac, member, &mut turn);
        }
        actions
    }

    /// This node stood still for too long to know what it owns: it is mute, and
    /// the wire is asked before it answers again.
    pub fn doubt(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for (ip, entry) in &mut self.entries {
            entry.doubt(&mut Turn::new(*ip, now, self.timing, &mut actions));
        }
        actions
    }

    /// When [`step`](Self::step) has to be called at the latest although no fact changed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.entries.values().filter_map(Entry::deadline).min()
    }

    fn relevant(&self, facts: &Facts) -> BTreeSet<IpAddr> {
        let known = self.entries.keys().copied();
        known.chain(facts.candidates.keys().copied()).collect()
    }
}
