//! Which IPs this node owns: claims with epochs, one small state machine per
//! IP. Pure: facts and time in, actions out; it never waits, sends or asks the
//! clock.
//!
//! The owner of an IP is the live claimant with the highest (epoch, rank). If
//! there is none, the successor is the same for everyone who sees the same
//! facts; it asks the wire, then claims with the next epoch, then announces.
//! A claimant that sees a higher claim withdraws.

mod action;
mod balance;
mod claims;
mod context;
mod inputs;
mod ip_state;
mod rank;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

pub use action::{Action, Cause};
use balance::Balance;
use context::{Turn, Voice};
use entry::Entry;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;
pub use inputs::{Candidates, Epoch, Facts, Preference, Reachability, SEIZURES, Standing, Timing};
use outlook::Outlook;
pub use rank::rank;

/// The IPs of one node.
#[derive(Debug)]
pub struct Ownership {
    me: NodeName,
    timing: Timing,
    entries: BTreeMap<IpAddr, Entry>,
    /// From whom this node would inherit each IP.
    heir_of: BTreeMap<IpAddr, NodeName>,
    balance: Balance,
    /// Who was dead at the last step.
    dead: BTreeSet<NodeName>,
}

impl Ownership {
    /// A node that owns nothing yet.
    #[must_use]
    pub fn new(me: NodeName, timing: Timing) -> Self {
        Self {
            me,
            timing,
            entries: BTreeMap::new(),
            heir_of: BTreeMap::new(),
            balance: Balance::new(timing),
            dead: BTreeSet::new(),
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

    /// The IPs this node would announce if no stranger held them, and the stranger.
    pub fn conflicts(&self) -> impl Iterator<Item = (IpAddr, Mac)> {
        self.entries
            .iter()
            .filter_map(|(ip, entry)| Some((*ip, entry.stranger()?)))
    }

    /// The IPs this node took, not long ago, from nodes that lived but were not
    /// heard on the wire, and how often in quick succession that happened.
    pub fn seizures(&self, now: Instant) -> impl Iterator<Item = (IpAddr, u32)> {
        let truce = self.timing.truce;
        let entries = self.entries.iter();
        entries.filter_map(move |(ip, entry)| Some((*ip, entry.seized(truce, now)?)))
    }

    /// Whether it is still of use to ask the wire for an IP.
    #[must_use]
    pub fn asks(&self, ip: IpAddr) -> bool {
        self.entries.get(&ip).is_some_and(Entry::asks)
    }

    /// Works out anew from whom this node would inherit what: to be called when
    /// facts have changed, other than what is seen on the wire. Returns whom to
    /// watch: the owners this node comes first after, and those that gossip
    /// holds for dead, each with its IPs.
    pub fn look_ahead(&mut self, facts: &Facts) -> BTreeMap<NodeName, BTreeSet<IpAddr>> {
        let outlook = Outlook::new(&self.me, facts, self.claims().count());
        self.heir_of = outlook.inheritance();
        let mut watch = outlook.absent();
        for (ip, owner) in &self.heir_of {
            watch.entry(owner.clone()).or_default().insert(*ip);
        }
        watch
    }

    /// Decides anew on every IP.
    pub fn step(&mut self, facts: &Facts, now: Instant) -> Vec<Action> {
        let ips = self.relevant(facts);
        let healed = self.note_dead(facts);
        let mut outlook = Outlook::new(&self.me, facts, self.claims().count());
        let mut actions = Vec::new();
        for ip in ips {
            let own = self.entries.get(&ip).and_then(Entry::epoch);
            let situation = outlook.situation(ip, own, self.heir_of.get(&ip));
            let mut turn = Turn::new(ip, now, self.timing, &mut actions);
            self.entries
                .entry(ip)
                .or_default()
                .step(&situation, &mut turn);
        }
        self.entries
            .retain(|ip, entry| facts.candidates.contains_key(ip) || !entry.is_idle());
        if healed {
            self.announce_again(&mut actions);
        }
        self.rebalance(facts, now, &mut actions);
        actions
    }

    /// Who was cut off may have owned an IP of this node's too, and given it up
    /// before that was seen: its neighbours still go there.
    fn announce_again(&self, actions: &mut Vec<Action>) {
        let announced = |ip: &IpAddr| actions.contains(&Action::Announce { ip: *ip });
        let silent: Vec<IpAddr> = self.answering().filter(|ip| !announced(ip)).collect();
        actions.extend(silent.into_iter().map(|ip| Action::Announce { ip }));
    }

    /// Notes who is dead; true if one of those that were has come back.
    fn note_dead(&mut self, facts: &Facts) -> bool {
        let is_alive = |node: &NodeName| facts.others.get(node).is_some_and(|other| other.alive);
        let healed = self.dead.iter().any(is_alive);
        let dead = facts.others.iter().filter(|(_, other)| !other.alive);
        self.dead = dead.map(|(node, _)| node.clone()).collect();
        healed
    }

    /// Takes one IP from a node that holds it by right, if it is time to.
    fn rebalance(&mut self, facts: &Facts, now: Instant, actions: &mut Vec<Action>) {
        let claims: BTreeMap<IpAddr, Epoch> = self.claims().collect();
        let outlook = Outlook::new(&self.me, facts, claims.len());
        let Some(pull) = self.balance.pull(&outlook, &claims, now) else {
            return;
        };
        let mut turn = Turn::new(pull.ip, now, self.timing, actions);
        let entry = self.entries.entry(pull.ip).or_default();
        entry.pull(pull.cause, pull.from, &mut turn);
    }

    /// Somebody else answered for an IP, or announced it.
    pub fn heard(&mut self, ip: IpAddr, mac: Mac, facts: &Facts, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(entry) = self.entries.get_mut(&ip) {
            let mut others = facts.others.iter();
            let voice = match others.find(|(_, other)| other.macs.contains(&mac)) {
                None => Voice::Stranger,
                Some((_, other)) if other.alive => Voice::Member,
                Some((node, _)) => Voice::Unseen {
                    yields: rank(ip, node) < rank(ip, &self.me),
                    node: node.clone(),
                },
            };
            let mut turn = Turn::new(ip, now, self.timing, &mut actions);
            entry.heard(mac, voice, &mut turn);
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
        let entries = self.entries.values().filter_map(Entry::deadline).min();
        let both = [entries, self.balance.next_deadline()];
        both.into_iter().flatten().min()
    }

    fn relevant(&self, facts: &Facts) -> BTreeSet<IpAddr> {
        let known = self.entries.keys().copied();
        known.chain(facts.candidates.keys().copied()).collect()
    }
}
