//! Which IPs this node owns: claims with epochs, one small state machine per IP.
//! Pure: input and time in, actions out.
//!
//! The owner of an IP is the live claimant with the highest (epoch, rank). Without
//! one, the first successor is the same for all nodes that see the same input; it
//! probes the IP, claims it with the next epoch, and announces it. A claimant that
//! sees a higher claim withdraws.

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
use std::time::{Duration, Instant};

pub use action::{Action, Cause};
use balance::Balance;
use context::{ClaimSource, Context};
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;
pub use inputs::{
    Candidates, ElectionInput, Epoch, FLAP_LIMIT, LanState, MemberState, Preference, Reachability,
    Timing,
};
use ip_state::IpState;
pub use rank::rank;
pub use view::ElectionView;

/// The IPs of one node.
#[derive(Debug)]
pub struct Election {
    me: NodeName,
    timing: Timing,
    ips: BTreeMap<IpAddr, IpState>,
    /// The IPs whose first successor this node is, each with its owner.
    successor_of: BTreeMap<IpAddr, NodeName>,
    balance: Balance,
    /// The dead members at the last step.
    dead: BTreeSet<NodeName>,
}

impl Election {
    /// A node that owns nothing yet.
    #[must_use]
    pub fn new(me: NodeName, timing: Timing) -> Self {
        Self {
            me,
            timing,
            ips: BTreeMap::new(),
            successor_of: BTreeMap::new(),
            balance: Balance::new(timing),
            dead: BTreeSet::new(),
        }
    }

    /// For how long an IP is probed before it is taken over or answered for again.
    #[must_use]
    pub fn probe_time(&self) -> Duration {
        self.timing.probe_time
    }

    /// The IPs this node answers for now. An IP that is being verified is claimed, but
    /// not answered for.
    pub fn answering(&self) -> impl Iterator<Item = IpAddr> {
        let ips = self.ips.iter().filter(|(_, state)| state.answers());
        ips.map(|(ip, _)| *ip)
    }

    /// The claims this node publishes.
    pub fn claims(&self) -> impl Iterator<Item = (IpAddr, Epoch)> {
        let ips = self.ips.iter();
        ips.filter_map(|(ip, state)| Some((*ip, state.epoch()?)))
    }

    /// The IPs this node would announce if no foreign host used them, and that host.
    pub fn conflicts(&self) -> impl Iterator<Item = (IpAddr, Mac)> {
        let ips = self.ips.iter();
        ips.filter_map(|(ip, state)| Some((*ip, state.foreign_mac()?)))
    }

    /// The IPs this node took, not long ago, from live members that did not answer on
    /// the LAN, and how often in quick succession each was taken so.
    pub fn forced_takeovers(&self, now: Instant) -> impl Iterator<Item = (IpAddr, u32)> {
        let memory = self.timing.suppress_time;
        let ips = self.ips.iter();
        ips.filter_map(move |(ip, state)| Some((*ip, state.forced_takeovers(memory, now)?)))
    }

    /// Whether probing an IP can still change a decision.
    #[must_use]
    pub fn is_probing(&self, ip: IpAddr) -> bool {
        self.ips.get(&ip).is_some_and(IpState::is_probing)
    }

    /// Determines the owners whose first successor this node is; to be called when
    /// anything but the state of the LAN has changed. Returns the owners to monitor:
    /// those and the dead ones, each with its IPs.
    pub fn plan(&mut self, view: &ElectionView<'_>) -> BTreeMap<NodeName, BTreeSet<IpAddr>> {
        self.successor_of = view.successor_of();
        let mut monitored = view.dead_owners();
        for (ip, owner) in &self.successor_of {
            monitored.entry(owner.clone()).or_default().insert(*ip);
        }
        monitored
    }

    /// Decides on every IP.
    pub fn step(&mut self, view: &mut ElectionView<'_>, now: Instant) -> Vec<Action> {
        let input = view.input();
        let returned = self.record_dead(input);
        let mut loads = view.loads();
        let mut actions = Vec::new();
        for ip in self.known_ips(input) {
            let own = self.ips.get(&ip).and_then(IpState::epoch);
            let situation = view.situation(ip, own, self.successor_of.get(&ip), &mut loads);
            let mut ctx = Context::new(ip, now, self.timing, &mut actions);
            self.ips.entry(ip).or_default().step(&situation, &mut ctx);
        }
        self.ips
            .retain(|ip, state| input.candidates.contains_key(ip) || !state.is_idle());
        if returned {
            self.announce_again(&mut actions);
        }
        self.rebalance(view, now, &mut actions);
        actions
    }

    /// A member that was cut off may have owned an IP of this node too, and withdrawn
    /// before that was seen: its neighbours still send to it.
    fn announce_again(&self, actions: &mut Vec<Action>) {
        let announced = |ip: &IpAddr| actions.contains(&Action::Announce { ip: *ip });
        let silent: Vec<IpAddr> = self.answering().filter(|ip| !announced(ip)).collect();
        actions.extend(silent.into_iter().map(|ip| Action::Announce { ip }));
    }

    /// Records the dead members; true if one of the previous ones has returned.
    fn record_dead(&mut self, input: &ElectionInput) -> bool {
        let is_alive = |node: &NodeName| input.others.get(node).is_some_and(|other| other.alive);
        let returned = self.dead.iter().any(is_alive);
        let dead = input.others.iter().filter(|(_, other)| !other.alive);
        self.dead = dead.map(|(node, _)| node.clone()).collect();
        returned
    }

    /// Preempts the owner of one IP, if it is time to.
    fn rebalance(&mut self, view: &mut ElectionView<'_>, now: Instant, actions: &mut Vec<Action>) {
        let claims: BTreeMap<IpAddr, Epoch> = self.claims().collect();
        view.set_own_claims(claims.len());
        let Some(chosen) = self.balance.next(view, &claims, now) else {
            return;
        };
        let mut ctx = Context::new(chosen.ip, now, self.timing, actions);
        let state = self.ips.entry(chosen.ip).or_default();
        state.preempt(chosen.cause, chosen.from, &mut ctx);
    }

    /// Another host answered for an IP, or announced it.
    pub fn claim_seen(
        &mut self,
        ip: IpAddr,
        mac: Mac,
        input: &ElectionInput,
        now: Instant,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(state) = self.ips.get_mut(&ip) {
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

    /// This node may have lost its IPs without noticing: it stops answering, and probes
    /// each of them before it answers again.
    pub fn verify(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for (ip, state) in &mut self.ips {
            state.verify(&mut Context::new(*ip, now, self.timing, &mut actions));
        }
        actions
    }

    /// When to call [`step`](Self::step) at the latest, even if nothing changed.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let ips = self.ips.values().filter_map(IpState::timeout).min();
        let both = [ips, self.balance.next_timeout()];
        both.into_iter().flatten().min()
    }

    fn known_ips(&self, input: &ElectionInput) -> BTreeSet<IpAddr> {
        let known = self.ips.keys().copied();
        known.chain(input.candidates.keys().copied()).collect()
    }
}
