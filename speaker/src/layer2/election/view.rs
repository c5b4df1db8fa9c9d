//! From the facts to what matters for one IP: who holds it, who may, who is
//! next in line.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ferrolb_core::key::NodeName;

use super::claims::{ClaimsByIp, beats};
use super::context::Situation;
use super::rank::Loads;
use super::{Candidates, ElectionInput, Epoch, FLAP_LIMIT, MemberState, Preference, Reachability};

/// The nodes that may have an IP now, each with its preference.
pub(super) type Eligible<'a> = BTreeMap<&'a NodeName, Preference>;

fn live(input: &ElectionInput) -> impl Iterator<Item = (&NodeName, &MemberState)> {
    input.others.iter().filter(|(_, other)| other.alive)
}

/// Turns the facts into what matters for one IP after the other, handing out
/// orphans on the way.
pub(super) struct ElectionView<'a> {
    me: &'a NodeName,
    input: &'a ElectionInput,
    claims: ClaimsByIp<'a>,
    held: BTreeMap<NodeName, usize>,
    loads: Loads,
    /// The eligible of candidates that many IPs share, and that do or do not
    /// include this node.
    eligible: RefCell<HashMap<(*const Candidates, bool), Rc<Eligible<'a>>>>,
}

impl<'a> ElectionView<'a> {
    pub(super) fn new(me: &'a NodeName, input: &'a ElectionInput, own_claims: usize) -> Self {
        let mut held: BTreeMap<NodeName, usize> = live(input)
            .map(|(node, other)| (node.clone(), other.claims.len()))
            .collect();
        held.insert(me.clone(), own_claims);
        let is_silent = |node: &NodeName| input.wire.get(node) == Some(&Reachability::Failed);
        let mut taking = held.clone();
        taking.retain(|node, _| !is_silent(node));
        let nodes = taking.len();
        let loads = Loads::new(taking, input.candidates.len(), nodes);
        Self {
            me,
            input,
            claims: ClaimsByIp::new(input),
            held,
            loads,
            eligible: RefCell::default(),
        }
    }

    pub(super) fn me(&self) -> &'a NodeName {
        self.me
    }

    /// What each live node holds, this one included.
    pub(super) fn held(&self) -> &BTreeMap<NodeName, usize> {
        &self.held
    }

    /// The wanted IPs.
    pub(super) fn desired(&self) -> impl Iterator<Item = IpAddr> {
        self.input.candidates.keys().copied()
    }

    /// Must be called once for each IP, always in the same order. `predecessor`
    /// is the owner that this node comes first after.
    pub(super) fn situation(
        &mut self,
        ip: IpAddr,
        own: Option<Epoch>,
        predecessor: Option<&NodeName>,
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
        let holder_eligible = match rival {
            _ if mine_wins => eligible.contains_key(self.me),
            Some(node) => flap_protected || eligible.contains_key(node),
            None => false,
        };
        let position = if holder_eligible {
            None
        } else {
            let order = self.loads.order(ip, preferences(&eligible));
            order.iter().position(|node| *node == self.me)
        };
        let reachability = self.reachability(rival.or(last_owner));
        Situation {
            desired: self.input.candidates.contains_key(&ip),
            reachable: self.input.reachable.contains(&ip),
            outranked: rival.is_some() && !mine_wins,
            eligible: eligible.contains_key(self.me),
            others_eligible: eligible.keys().any(|node| *node != self.me),
            early: holder_eligible
                && !flap_protected
                && reachability == Reachability::Probing
                && predecessor.is_some()
                && predecessor == rival,
            silent: rival.is_some() && !flap_protected && reachability == Reachability::Failed,
            answers: rival.is_none() && reachability == Reachability::Reachable,
            forced_takeovers: rival.map_or(0, |node| self.forced_takeovers(node, ip)),
            held_by_foreign_host: claims.reported,
            position,
            rival: rival.cloned(),
            last_owner: last_owner.cloned(),
            top_epoch: claims.top_epoch().max(own.unwrap_or(0)),
        }
    }

    /// From whom this node would inherit, by IP: the owners it comes first
    /// after, were they gone one at a time.
    pub(super) fn successor_of(&self) -> BTreeMap<IpAddr, NodeName> {
        let mut ips_by_owner: BTreeMap<&NodeName, Vec<IpAddr>> = BTreeMap::new();
        for ip in self.desired() {
            if let Some((_, owner)) = self.best_claim(ip) {
                ips_by_owner.entry(owner).or_default().push(ip);
            }
        }
        let mut inherited = BTreeMap::new();
        for (owner, ips) in ips_by_owner {
            let mut held = self.held.clone();
            held.remove(owner);
            let nodes = held.len();
            let mut loads = Loads::new(held, self.input.candidates.len(), nodes);
            for ip in ips {
                let eligible = self.eligible(ip);
                let heirs = preferences(&eligible).filter(|(node, _)| *node != owner);
                if loads.first(ip, heirs) == Some(self.me) {
                    inherited.insert(ip, owner.clone());
                }
            }
        }
        inherited
    }

    /// The members that gossip holds for dead, with the IPs that nobody else
    /// has claimed since.
    pub(super) fn absent(&self) -> BTreeMap<NodeName, BTreeSet<IpAddr>> {
        let mut absent: BTreeMap<NodeName, BTreeSet<IpAddr>> = BTreeMap::new();
        for ip in self.desired() {
            let claims = self.claims.on(ip);
            let orphaned = claims.best.is_none() && self.input.reachable.contains(&ip);
            if let Some((_, owner)) = claims.last.filter(|_| orphaned) {
                absent.entry(owner.clone()).or_default().insert(ip);
            }
        }
        absent
    }

    /// Live, heard on the LAN, not leaving, and allowed to announce the IP. If
    /// nobody is heard, those that are not will do.
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
        let willing = candidates
            .iter()
            .filter(|(node, _)| self.is_willing(node, reachable));
        let (connected, isolated): (Eligible<'_>, Eligible<'_>) = willing
            .map(|(node, preference)| (node, *preference))
            .partition(|(node, _)| !self.is_isolated(node));
        if connected.is_empty() {
            isolated
        } else {
            connected
        }
    }

    fn is_willing(&self, node: &NodeName, reachable: bool) -> bool {
        if node == self.me {
            return !self.input.draining && reachable;
        }
        let other = self.input.others.get(node);
        other.is_some_and(|other| other.alive && !other.draining && !other.starting)
            && self.reachability(Some(node)) != Reachability::Failed
    }

    fn is_isolated(&self, node: &NodeName) -> bool {
        if node == self.me {
            return self.input.isolated;
        }
        self.input
            .others
            .get(node)
            .is_some_and(|other| other.isolated)
    }

    /// How often in quick succession an IP was taken from living nodes, by
    /// `node` last.
    fn forced_takeovers(&self, node: &NodeName, ip: IpAddr) -> u32 {
        let forced_takeovers = self
            .input
            .others
            .get(node)
            .and_then(|other| other.forced_takeovers.get(&ip));
        forced_takeovers.copied().unwrap_or(0)
    }

    /// Whether `node` keeps an IP that went back and forth, although it is not
    /// heard. It knows if it is heard by nobody.
    fn is_flap_protected(&self, node: &NodeName, ip: IpAddr) -> bool {
        let admitted = self.input.candidates.get(&ip);
        admitted.is_some_and(|candidates| candidates.contains_key(node))
            && self
                .input
                .others
                .get(node)
                .is_some_and(|other| other.alive && !other.draining && !other.isolated)
            && self.forced_takeovers(node, ip) >= FLAP_LIMIT
    }

    fn reachability(&self, node: Option<&NodeName>) -> Reachability {
        let reachability = node.and_then(|node| self.input.wire.get(node));
        reachability.copied().unwrap_or_default()
    }

    /// The highest live claim on an IP by another node.
    pub(super) fn best_claim(&self, ip: IpAddr) -> Option<(Epoch, &'a NodeName)> {
        self.claims.on(ip).best
    }
}

fn preferences<'a>(eligible: &Eligible<'a>) -> impl Iterator<Item = (&'a NodeName, Preference)> {
    eligible
        .iter()
        .map(|(node, preference)| (*node, *preference))
}
