//! Which IPs this node owns: claims with epochs, one small state machine per
//! IP. Pure: facts and time in, actions out; it never waits, sends or asks the
//! clock.
//!
//! The owner of an IP is the live claimant with the highest (epoch, rank). If
//! there is none, the successor is the same for everyone who sees the same
//! facts; it asks the wire, then claims with the next epoch, then announces.
//! A claimant that sees a higher claim withdraws.

mod entry;
mod rank;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::wire::mac::Mac;
use entry::{Entry, Situation};
use rank::Loads;
pub use rank::rank;

/// A Kubernetes Node's name; a speaker goes by the name of its Node.
pub type Node = String;

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
    /// one included.
    pub candidates: BTreeMap<IpAddr, BTreeSet<Node>>,
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
        let mut survey = Survey::new(&self.me, facts, self.claims().count());
        let mut actions = Vec::new();
        for ip in ips {
            let own = self.entries.get(&ip).and_then(Entry::epoch);
            let situation = survey.situation(ip, own);
            let entry = self.entries.entry(ip).or_default();
            entry.step(ip, &situation, &self.timing, now, &mut actions);
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
            entry.heard(ip, mac, member, &self.timing, now, &mut actions);
        }
        actions
    }

    /// This node stood still for too long to know what it owns: it is mute, and
    /// the wire is asked before it answers again.
    pub fn doubt(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for (ip, entry) in &mut self.entries {
            entry.doubt(*ip, &self.timing, now, &mut actions);
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

fn live(facts: &Facts) -> impl Iterator<Item = (&Node, &Standing)> {
    facts.others.iter().filter(|(_, other)| other.alive)
}

/// Turns the facts into what matters for one IP after the other, handing out
/// orphans on the way.
struct Survey<'a> {
    me: &'a str,
    facts: &'a Facts,
    loads: Loads,
}

impl<'a> Survey<'a> {
    fn new(me: &'a str, facts: &'a Facts, own_claims: usize) -> Self {
        let mut held: BTreeMap<Node, usize> = live(facts)
            .map(|(node, other)| (node.clone(), other.claims.len()))
            .collect();
        held.insert(me.to_owned(), own_claims);
        let nodes = held.len();
        let loads = Loads::new(held, facts.candidates.len(), nodes);
        Self { me, facts, loads }
    }

    fn situation(&mut self, ip: IpAddr, own: Option<Epoch>) -> Situation {
        let eligible = self.eligible(ip);
        let best = self.best_claim(ip);
        let mine_wins = self.mine_wins(ip, own, best.as_ref());
        let holder_fit = match &best {
            _ if mine_wins => eligible.contains(self.me),
            Some((_, node)) => eligible.contains(node),
            None => false,
        };
        let place = if holder_fit {
            None
        } else {
            let order = self.loads.place(ip, &eligible);
            order.iter().position(|node| node == self.me)
        };
        Situation {
            wanted: self.facts.candidates.contains_key(&ip),
            reachable: self.facts.reachable.contains(&ip),
            outranked: best.is_some() && !mine_wins,
            fit: eligible.contains(self.me),
            others_fit: eligible.iter().any(|node| node != self.me),
            place,
            rival: best.map(|(_, node)| node),
            last_owner: self.last_owner(ip),
            top_epoch: self.top_epoch(ip).max(own.unwrap_or(0)),
        }
    }

    /// Live, not leaving, and allowed to announce the IP.
    fn eligible(&self, ip: IpAddr) -> BTreeSet<Node> {
        let Some(candidates) = self.facts.candidates.get(&ip) else {
            return BTreeSet::new();
        };
        let fit = |node: &&Node| {
            if **node == self.me {
                !self.facts.draining && self.facts.reachable.contains(&ip)
            } else {
                let other = self.facts.others.get(*node);
                other.is_some_and(|other| other.alive && !other.draining)
            }
        };
        candidates.iter().filter(fit).cloned().collect()
    }

    fn best_claim(&self, ip: IpAddr) -> Option<(Epoch, Node)> {
        live(self.facts)
            .filter_map(|(node, other)| Some((*other.claims.get(&ip)?, rank(ip, node), node)))
            .max()
            .map(|(epoch, _, node)| (epoch, node.clone()))
    }

    fn mine_wins(&self, ip: IpAddr, own: Option<Epoch>, best: Option<&(Epoch, Node)>) -> bool {
        match (own, best) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(own), Some((epoch, node))) => (own, rank(ip, self.me)) > (*epoch, rank(ip, node)),
        }
    }

    fn top_epoch(&self, ip: IpAddr) -> Epoch {
        let claims = self.facts.others.values();
        let epochs = claims.filter_map(|other| other.claims.get(&ip));
        epochs.copied().max().unwrap_or(0)
    }

    /// The dead member that claimed the IP last.
    fn last_owner(&self, ip: IpAddr) -> Option<Node> {
        self.facts
            .others
            .iter()
            .filter(|(_, other)| !other.alive)
            .filter_map(|(node, other)| Some((*other.claims.get(&ip)?, node)))
            .max()
            .map(|(_, node)| node.clone())
    }
}
