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
use super::{Candidates, Epoch, Facts, Preference, Reachability, SEIZURES, Standing};

/// The nodes that may have an IP now, each with its preference.
pub(super) type Eligible<'a> = BTreeMap<&'a NodeName, Preference>;

fn live(facts: &Facts) -> impl Iterator<Item = (&NodeName, &Standing)> {
    facts.others.iter().filter(|(_, other)| other.alive)
}

/// Turns the facts into what matters for one IP after the other, handing out
/// orphans on the way.
pub(super) struct Outlook<'a> {
    me: &'a NodeName,
    facts: &'a Facts,
    claims: ClaimsByIp<'a>,
    held: BTreeMap<NodeName, usize>,
    loads: Loads,
    /// The eligible of candidates that many IPs share, and that do or do not
    /// include this node.
    eligible: RefCell<HashMap<(*const Candidates, bool), Rc<Eligible<'a>>>>,
}

impl<'a> Outlook<'a> {
    pub(super) fn new(me: &'a NodeName, facts: &'a Facts, own_claims: usize) -> Self {
        let mut held: BTreeMap<NodeName, usize> = live(facts)
            .map(|(node, other)| (node.clone(), other.claims.len()))
            .collect();
        held.insert(me.clone(), own_claims);
        let is_silent = |node: &NodeName| facts.wire.get(node) == Some(&Reachability::Failed);
        let mut taking = held.clone();
        taking.retain(|node, _| !is_silent(node));
        let nodes = taking.len();
        let loads = Loads::new(taking, facts.candidates.len(), nodes);
        Self {
            me,
            facts,
            claims: ClaimsByIp::new(facts),
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
    pub(super) fn wanted(&self) -> impl Iterator<Item = IpAddr> {
        self.facts.candidates.keys().copied()
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
        let shielded = rival.is_some_and(|node| self.is_shielded(node, ip));
        let holder_fit = match rival {
            _ if mine_wins => eligible.contains_key(self.me),
            Some(node) => shielded || eligible.contains_key(node),
            None => false,
        };
        let place = if holder_fit {
            None
        } else {
            let order = self.loads.place(ip, preferences(&eligible));
            order.iter().position(|node| *node == self.me)
        };
        let seen = self.seen(rival.or(last_owner));
        Situation {
            wanted: self.facts.candidates.contains_key(&ip),
            reachable: self.facts.reachable.contains(&ip),
            outranked: rival.is_some() && !mine_wins,
            fit: eligible.contains_key(self.me),
            others_fit: eligible.keys().any(|node| *node != self.me),
            early: holder_fit
                && !shielded
                && seen == Reachability::Probing
                && predecessor.is_some()
                && predecessor == rival,
            silent: rival.is_some() && !shielded && seen == Reachability::Failed,
            answers: rival.is_none() && seen == Reachability::Reachable,
            seized: rival.map_or(0, |node| self.seizures(node, ip)),
            held_by_stranger: claims.reported,
            place,
            rival: rival.cloned(),
            last_owner: last_owner.cloned(),
            top_epoch: claims.top_epoch().max(own.unwrap_or(0)),
        }
    }

    /// From whom this node would inherit, by IP: the owners it comes first
    /// after, were they gone one at a time.
    pub(super) fn inheritance(&self) -> BTreeMap<IpAddr, NodeName> {
        let mut estates: BTreeMap<&NodeName, Vec<IpAddr>> = BTreeMap::new();
        for ip in self.wanted() {
            if let Some((_, owner)) = self.best_claim(ip) {
                estates.entry(owner).or_default().push(ip);
            }
        }
        let mut inherited = BTreeMap::new();
        for (owner, ips) in estates {
            let mut held = self.held.clone();
            held.remove(owner);
            let nodes = held.len();
            let mut loads = Loads::new(held, self.facts.candidates.len(), nodes);
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
        for ip in self.wanted() {
            let claims = self.claims.on(ip);
            let orphaned = claims.best.is_none() && self.facts.reachable.contains(&ip);
            if let Some((_, owner)) = claims.last.filter(|_| orphaned) {
                absent.entry(owner.clone()).or_default().insert(ip);
            }
        }
        absent
    }

    /// Live, heard on the LAN, not leaving, and allowed to announce the IP. If
    /// nobody is heard, those that are not will do.
    pub(super) fn eligible(&self, ip: IpAddr) -> Rc<Eligible<'a>> {
        let Some(candidates) = self.facts.candidates.get(&ip) else {
            return Rc::default();
        };
        let reachable = self.facts.reachable.contains(&ip);
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
        let (heard, isolated): (Eligible<'_>, Eligible<'_>) = willing
            .map(|(node, preference)| (node, *preference))
            .partition(|(node, _)| !self.is_isolated(node));
        if heard.is_empty() { isolated } else { heard }
    }

    fn is_willing(&self, node: &NodeName, reachable: bool) -> bool {
        if node == self.me {
            return !self.facts.draining && reachable;
        }
        let other = self.facts.others.get(node);
        other.is_some_and(|other| other.alive && !other.draining && !other.starting)
            && self.seen(Some(node)) != Reachability::Failed
    }

    fn is_isolated(&self, node: &NodeName) -> bool {
        if node == self.me {
            return self.facts.isolated;
        }
        self.facts
            .others
            .get(node)
            .is_some_and(|other| other.isolated)
    }

    /// How often in quick succession an IP was taken from living nodes, by
    /// `node` last.
    fn seizures(&self, node: &NodeName, ip: IpAddr) -> u32 {
        let seized = self
            .facts
            .others
            .get(node)
            .and_then(|other| other.seized.get(&ip));
        seized.copied().unwrap_or(0)
    }

    /// Whether `node` keeps an IP that went back and forth, although it is not
    /// heard. It knows if it is heard by nobody.
    fn is_shielded(&self, node: &NodeName, ip: IpAddr) -> bool {
        let admitted = self.facts.candidates.get(&ip);
        admitted.is_some_and(|candidates| candidates.contains_key(node))
            && self
                .facts
                .others
                .get(node)
                .is_some_and(|other| other.alive && !other.draining && !other.isolated)
            && self.seizures(node, ip) >= SEIZURES
    }

    fn seen(&self, node: Option<&NodeName>) -> Reachability {
        let seen = node.and_then(|node| self.facts.wire.get(node));
        seen.copied().unwrap_or_default()
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
