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
use context::{ClaimSource, Context};
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;
pub use inputs::{
    Candidates, ElectionInput, Epoch, FLAP_LIMIT, MemberState, Preference, Reachability, Timing,
};
use ip_state::IpState;
pub use rank::rank;
use view::ElectionView;

/// The IPs of one node.
#[derive(Debug)]
pub struct Election {
    me: NodeName,
    timing: Timing,
    entries: BTreeMap<IpAddr, IpState>,
    /// From whom this node would inherit each IP.
    successor_of: BTreeMap<IpAddr, NodeName>,
    balance: Balance,
    /// Who was dead at the last step.
    dead: BTreeSet<NodeName>,
}

impl Election {
    /// A node that owns nothing yet.
    #[must_use]
    pub fn new(me: NodeName, timing: Timing) -> Self {
        Self {
            me,
            timing,
            entries: BTreeMap::new(),
            successor_of: BTreeMap::new(),
            balance: Balance::new(timing),
            dead: BTreeSet::new(),
        }
    }

    /// The IPs this node answers for now. One whose owner is in doubt about
    /// itself is claimed, but not answered for.
    pub fn answering(&self) -> impl Iterator<Item = IpAddr> {
        self.entries
            .iter()
            .filter(|(_, state)| state.answers())
            .map(|(ip, _)| *ip)
    }

    /// The claims this node publishes.
    pub fn claims(&self) -> impl Iterator<Item = (IpAddr, Epoch)> {
        self.entries
            .iter()
            .filter_map(|(ip, state)| Some((*ip, state.epoch()?)))
    }

    /// The IPs this node would announce if no stranger held them, and the stranger.
    pub fn conflicts(&self) -> impl Iterator<Item = (IpAddr, Mac)> {
        self.entries
            .iter()
            .filter_map(|(ip, state)| Some((*ip, state.foreign_mac()?)))
    }

    /// The IPs this node took, not long ago, from nodes that lived but were not
    /// heard on the wire, and how often in quick succession that happened.
    pub fn forced_takeovers(&self, now: Instant) -> impl Iterator<Item = (IpAddr, u32)> {
        let suppress_time = self.timing.suppress_time;
        let entries = self.entries.iter();
        entries
            .filter_map(move |(ip, state)| Some((*ip, state.forced_takeovers(suppress_time, now)?)))
    }

    /// Whether it is still of use to ask the wire for an IP.
    #[must_use]
    pub fn is_probing(&self, ip: IpAddr) -> bool {
        self.entries.get(&ip).is_some_and(IpState::is_probing)
    }

    /// Works out anew from whom this node would inherit what: to be called when
    /// facts have changed, other than what is seen on the wire. Returns whom to
    /// watch: the owners this node comes first after, and those that gossip
    /// holds for dead, each with its IPs.
    pub fn plan(&mut self, input: &ElectionInput) -> BTreeMap<NodeName, BTreeSet<IpAddr>> {
        let view = ElectionView::new(&self.me, input, self.claims().count());
        self.successor_of = view.successor_of();
        let mut watch = view.absent();
        for (ip, owner) in &self.successor_of {
            watch.entry(owner.clone()).or_default().insert(*ip);
        }
        watch
    }

    /// Decides anew on every IP.
    pub fn step(&mut self, input: &ElectionInput, now: Instant) -> Vec<Action> {
        let ips = self.known_ips(input);
        let healed = self.note_dead(input);
        let mut view = ElectionView::new(&self.me, input, self.claims().count());
        let mut actions = Vec::new();
        for ip in ips {
            let own = self.entries.get(&ip).and_then(IpState::epoch);
            let situation = view.situation(ip, own, self.successor_of.get(&ip));
            let mut ctx = Context::new(ip, now, self.timing, &mut actions);
            self.entries
                .entry(ip)
                .or_default()
                .step(&situation, &mut ctx);
        }
        self.entries
            .retain(|ip, state| input.candidates.contains_key(ip) || !state.is_idle());
        if healed {
            self.announce_again(&mut actions);
        }
        self.rebalance(input, now, &mut actions);
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
    fn note_dead(&mut self, input: &ElectionInput) -> bool {
        let is_alive = |node: &NodeName| input.others.get(node).is_some_and(|other| other.alive);
        let healed = self.dead.iter().any(is_alive);
        let dead = input.others.iter().filter(|(_, other)| !other.alive);
        self.dead = dead.map(|(node, _)| node.clone()).collect();
        healed
    }

    /// Takes one IP from a node that holds it by right, if it is time to.
    fn rebalance(&mut self, input: &ElectionInput, now: Instant, actions: &mut Vec<Action>) {
        let claims: BTreeMap<IpAddr, Epoch> = self.claims().collect();
        let view = ElectionView::new(&self.me, input, claims.len());
        let Some(preempt) = self.balance.preempt(&view, &claims, now) else {
            return;
        };
        let mut ctx = Context::new(preempt.ip, now, self.timing, actions);
        let state = self.entries.entry(preempt.ip).or_default();
        state.preempt(preempt.cause, preempt.from, &mut ctx);
    }

    /// Somebody else answered for an IP, or announced it.
    pub fn claim_seen(
        &mut self,
        ip: IpAddr,
        mac: Mac,
        input: &ElectionInput,
        now: Instant,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(state) = self.entries.get_mut(&ip) {
            let mut others = input.others.iter();
            let source = match others.find(|(_, other)| other.macs.contains(&mac)) {
                None => ClaimSource::ForeignHost,
                Some((_, other)) if other.alive => ClaimSource::Member,
                Some((node, _)) => ClaimSource::DeadMember {
                    yields: rank(ip, node) < rank(ip, &self.me),
                    node: node.clone(),
                },
            };
            let mut ctx = Context::new(ip, now, self.timing, &mut actions);
            state.claim_seen(mac, source, &mut ctx);
        }
        actions
    }

    /// This node stood still for too long to know what it owns: it is mute, and
    /// the wire is asked before it answers again.
    pub fn verify(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for (ip, state) in &mut self.entries {
            state.verify(&mut Context::new(*ip, now, self.timing, &mut actions));
        }
        actions
    }

    /// When [`step`](Self::step) has to be called at the latest although no fact changed.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let entries = self.entries.values().filter_map(IpState::timeout).min();
        let both = [entries, self.balance.next_timeout()];
        both.into_iter().flatten().min()
    }

    fn known_ips(&self, input: &ElectionInput) -> BTreeSet<IpAddr> {
        let known = self.entries.keys().copied();
        known.chain(input.candidates.keys().copied()).collect()
    }
}
