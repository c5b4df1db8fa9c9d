//! The election's view of the cluster: for each IP its owner, the nodes that may have
//! it, and the order of its successors. Made once for each run of the election.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ferrolb_core::key::NodeName;

use super::claims::{ClaimsByIp, beats};
use super::context::{Rival, Situation};
use super::rank::Loads;
use super::{
    Candidates, ElectionInput, Epoch, FLAP_LIMIT, LanState, MemberState, Preference, Reachability,
};

/// The nodes that may have an IP now, each with its preference.
pub(super) type Eligible<'a> = BTreeMap<&'a NodeName, Preference>;

/// The members' claims and the eligible nodes, by IP.
#[derive(Debug)]
pub struct ElectionView<'a> {
    me: &'a NodeName,
    input: &'a ElectionInput,
    lan: LanState,
    claims: ClaimsByIp<'a>,
    held: BTreeMap<NodeName, usize>,
    /// The eligible nodes for candidates that many IPs share, with or without this
    /// node.
    eligible: RefCell<HashMap<(*const Candidates, bool), Rc<Eligible<'a>>>>,
}

impl<'a> ElectionView<'a> {
    /// The view of node `me`, which has this number of claims itself.
    #[must_use]
    pub fn new(
        me: &'a NodeName,
        input: &'a ElectionInput,
        lan: &LanState,
        own_claims: usize,
    ) -> Self {
        let live = input.others.iter().filter(|(_, other)| other.alive);
        let held = live.map(|(node, other)| (node.clone(), other.claims.len()));
        let mut view = Self {
            me,
            input,
            lan: lan.clone(),
            claims: ClaimsByIp::new(input),
            held: held.collect(),
            eligible: RefCell::default(),
        };
        view.set_own_claims(own_claims);
        view
    }

    /// The probes on the LAN have another result now.
    pub fn set_lan(&mut self, lan: &LanState) {
        self.lan.clone_from(lan);
        self.eligible = RefCell::default();
    }

    pub(super) fn set_own_claims(&mut self, count: usize) {
        self.held.insert(self.me.clone(), count);
    }

    pub(super) fn me(&self) -> &'a NodeName {
        self.me
    }

    pub(super) fn input(&self) -> &'a ElectionInput {
        self.input
    }

    /// The number of IPs that each live node holds, this one included.
    pub(super) fn held(&self) -> &BTreeMap<NodeName, usize> {
        &self.held
    }

    /// The desired IPs.
    pub(super) fn desired(&self) -> impl Iterator<Item = IpAddr> {
        self.input.candidates.keys().copied()
    }

    /// The loads of the nodes that can take IPs, before any is handed out.
    pub(super) fn loads(&self) -> Loads {
        let mut held = self.held.clone();
        held.retain(|node, _| self.reachability(Some(node)) != Reachability::Failed);
        self.loads_of(held)
    }

    fn loads_of(&self, held: BTreeMap<NodeName, usize>) -> Loads {
        let nodes = held.len();
        Loads::new(held, self.input.candidates.len(), nodes)
    }

    /// The situation of an IP. Must be called once for each IP, always in the same
    /// order, with the same `loads`. `predecessor` is the owner whose first successor
    /// this node is.
    pub(super) fn situation(
        &self,
        ip: IpAddr,
        own: Option<Epoch>,
        predecessor: Option<&NodeName>,
        loads: &mut Loads,
    ) -> Situation {
        let eligible = self.eligible(ip);
        let claims = self.claims.on(ip);
        let rival = claims.best.map(|(_, node)| node);
        let last_owner = claims.last.map(|(_, node)| node);
        let mine_wins = own.is_some_and(|own| {
            let mine = (own, self.me);
            claims.best.is_none_or(|best| beats(ip, mine, best))
        });
        let flap_protected = rival.is_some_and(|node| self.is_flap_protected(node, ip));
        let owner_eligible = match rival {
            _ if mine_wins => eligible.contains_key(self.me),
            Some(node) => flap_protected || eligible.contains_key(node),
            None => false,
        };
        let position = if owner_eligible {
            None
        } else {
            let order = loads.order(ip, preferences(&eligible));
            order.iter().position(|node| *node == self.me)
        };
        let reachability = self.reachability(rival.or(last_owner));
        Situation {
            desired: self.input.candidates.contains_key(&ip),
            reachable: self.input.reachable.contains(&ip),
            eligible: eligible.contains_key(self.me),
            others_eligible: eligible.keys().any(|node| *node != self.me),
            rival: rival.map(|node| Rival {
                node: node.clone(),
                outranks: !mine_wins,
                failed: !flap_protected && reachability == Reachability::Failed,
                suspected: owner_eligible
                    && !flap_protected
                    && reachability == Reachability::Probing
                    && predecessor == Some(node),
                forced_takeovers: self.forced_takeovers(node, ip),
            }),
            last_owner: last_owner.cloned(),
            last_owner_answers: rival.is_none() && reachability == Reachability::Reachable,
            held_by_foreign_host: claims.reported,
            position,
            top_epoch: claims.top_epoch().max(own.unwrap_or(0)),
        }
    }

    /// The IPs whose first successor this node is, each with its owner: it would come
    /// first if one owner at a time failed.
    pub(super) fn successor_of(&self) -> BTreeMap<IpAddr, NodeName> {
        let mut ips_by_owner: BTreeMap<&NodeName, Vec<IpAddr>> = BTreeMap::new();
        for ip in self.desired() {
            if let Some((_, owner)) = self.best_claim(ip) {
                ips_by_owner.entry(owner).or_default().push(ip);
            }
        }
        let mut successor_of = BTreeMap::new();
        for (owner, ips) in ips_by_owner {
            let mut held = self.held.clone();
            held.remove(owner);
            let mut loads = self.loads_of(held);
            for ip in ips {
                let eligible = self.eligible(ip);
                let successors = preferences(&eligible).filter(|(node, _)| *node != owner);
                if loads.first(ip, successors) == Some(self.me) {
                    successor_of.insert(ip, owner.clone());
                }
            }
        }
        successor_of
    }

    /// The members that gossip considers dead, with the IPs that no other node has
    /// claimed since.
    pub(super) fn dead_owners(&self) -> BTreeMap<NodeName, BTreeSet<IpAddr>> {
        let mut dead: BTreeMap<NodeName, BTreeSet<IpAddr>> = BTreeMap::new();
        for ip in self.desired() {
            let claims = self.claims.on(ip);
            let orphaned = claims.best.is_none() && self.input.reachable.contains(&ip);
            if let Some((_, owner)) = claims.last.filter(|_| orphaned) {
                dead.entry(owner.clone()).or_default().insert(ip);
            }
        }
        dead
    }

    /// The candidates that are alive, reachable on the LAN and not leaving. Isolated
    /// nodes count only if there is no other.
    pub(super) fn eligible(&self, ip: IpAddr) -> Rc<Eligible<'a>> {
        let Some(candidates) = self.input.candidates.get(&ip) else {
            return Rc::default();
        };
        let reachable = self.input.reachable.contains(&ip);
        let mut known = self.eligible.borrow_mut();
        let eligible = known
            .entry((Arc::as_ptr(candidates), reachable))
            .or_insert_with(|| Rc::new(self.eligible_of(candidates, reachable)));
        Rc::clone(eligible)
    }

    fn eligible_of(&self, candidates: &'a Candidates, reachable: bool) -> Eligible<'a> {
        let available = candidates
            .iter()
            .filter(|(node, _)| self.is_available(node, reachable));
        let (connected, isolated): (Eligible<'_>, Eligible<'_>) = available
            .map(|(node, preference)| (node, *preference))
            .partition(|(node, _)| !self.is_isolated(node));
        if connected.is_empty() {
            isolated
        } else {
            connected
        }
    }

    fn is_available(&self, node: &NodeName, reachable: bool) -> bool {
        if node == self.me {
            return !self.input.draining && reachable;
        }
        let other = self.input.others.get(node);
        other.is_some_and(|other| other.alive && !other.draining && !other.starting)
            && self.reachability(Some(node)) != Reachability::Failed
    }

    fn is_isolated(&self, node: &NodeName) -> bool {
        if node == self.me {
            return self.lan.isolated;
        }
        let other = self.input.others.get(node);
        other.is_some_and(|other| other.isolated)
    }

    /// How often in quick succession an IP was taken by force, by `node` last.
    fn forced_takeovers(&self, node: &NodeName, ip: IpAddr) -> u32 {
        let other = self.input.others.get(node);
        let times = other.and_then(|other| other.forced_takeovers.get(&ip));
        times.copied().unwrap_or(0)
    }

    /// Flap damping: whether `node` keeps an IP that was taken back and forth, although
    /// it does not answer this node. Whether it is isolated it knows itself.
    fn is_flap_protected(&self, node: &NodeName, ip: IpAddr) -> bool {
        let candidates = self.input.candidates.get(&ip);
        let is_well = |it: &MemberState| it.alive && !it.draining && !it.isolated;
        candidates.is_some_and(|candidates| candidates.contains_key(node))
            && self.input.others.get(node).is_some_and(is_well)
            && self.forced_takeovers(node, ip) >= FLAP_LIMIT
    }

    fn reachability(&self, node: Option<&NodeName>) -> Reachability {
        let reachability = node.and_then(|node| self.lan.reachability.get(node));
        reachability.copied().unwrap_or_default()
    }

    /// The highest claim on an IP by another live node.
    pub(super) fn best_claim(&self, ip: IpAddr) -> Option<(Epoch, &'a NodeName)> {
        self.claims.on(ip).best
    }
}

fn preferences<'a>(eligible: &Eligible<'a>) -> impl Iterator<Item = (&'a NodeName, Preference)> {
    eligible
        .iter()
        .map(|(node, preference)| (*node, *preference))
}
