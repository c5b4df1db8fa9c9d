//! From the facts to what matters for one IP: who holds it, who may, who is
//! next in line.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::rank::{Loads, rank};
use super::turn::Situation;
use super::{Epoch, Facts, Node, OnWire, Preference, SEIZURES, Standing};

/// The nodes that may have an IP now, each with its preference.
pub(super) type Eligible = BTreeMap<Node, Preference>;

fn live(facts: &Facts) -> impl Iterator<Item = (&Node, &Standing)> {
    facts.others.iter().filter(|(_, other)| other.alive)
}

/// Turns the facts into what matters for one IP after the other, handing out
/// orphans on the way.
pub(super) struct Outlook<'a> {
    me: &'a str,
    facts: &'a Facts,
    held: BTreeMap<Node, usize>,
    loads: Loads,
}

impl<'a> Outlook<'a> {
    pub(super) fn new(me: &'a str, facts: &'a Facts, own_claims: usize) -> Self {
        let mut held: BTreeMap<Node, usize> = live(facts)
            .map(|(node, other)| (node.clone(), other.claims.len()))
            .collect();
        held.insert(me.to_owned(), own_claims);
        let is_silent = |node: &Node| facts.wire.get(node) == Some(&OnWire::Silent);
        let mut taking = held.clone();
        taking.retain(|node, _| !is_silent(node));
        let nodes = taking.len();
        let loads = Loads::new(taking, facts.candidates.len(), nodes);
        Self {
            me,
            facts,
            held,
            loads,
        }
    }

    pub(super) fn me(&self) -> &str {
        self.me
    }

    /// What each live node holds, this one included.
    pub(super) fn held(&self) -> &BTreeMap<Node, usize> {
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
        predecessor: Option<&Node>,
    ) -> Situation {
        let eligible = self.eligible(ip);
        let best = self.best_claim(ip);
        let mine_wins = self.mine_wins(ip, own, best.as_ref());
        let shielded = best
            .as_ref()
            .is_some_and(|(_, node)| self.is_shielded(node, ip));
        let holder_fit = match &best {
            _ if mine_wins => eligible.contains_key(self.me),
            Some((_, node)) => shielded || eligible.contains_key(node),
            None => false,
        };
        let place = if holder_fit {
            None
        } else {
            let order = self.loads.place(ip, &eligible);
            order.iter().position(|node| node == self.me)
        };
        let rival = best.as_ref().map(|(_, node)| node.clone());
        let last_owner = self.last_owner(ip);
        let seen = self.seen(rival.as_ref().or(last_owner.as_ref()));
        Situation {
            wanted: self.facts.candidates.contains_key(&ip),
            reachable: self.facts.reachable.contains(&ip),
            outranked: best.is_some() && !mine_wins,
            fit: eligible.contains_key(self.me),
            others_fit: eligible.keys().any(|node| node != self.me),
            early: holder_fit
                && !shielded
                && seen == OnWire::Misses
                && predecessor.is_some()
                && predecessor == rival.as_ref(),
            silent: rival.is_some() && !shielded && seen == OnWire::Silent,
            answers: rival.is_none() && seen == OnWire::Answers,
            seized: rival.as_ref().map_or(0, |node| self.seizures(node, ip)),
            held_by_stranger: self.is_reported(ip),
            place,
            rival,
            last_owner,
            top_epoch: self.top_epoch(ip).max(own.unwrap_or(0)),
        }
    }

    /// From whom this node would inherit, by IP: the owners it comes first
    /// after, were they gone one at a time.
    pub(super) fn inheritance(&self) -> BTreeMap<IpAddr, Node> {
        let mut estates: BTreeMap<Node, Vec<IpAddr>> = BTreeMap::new();
        for ip in self.wanted() {
            if let Some((_, owner)) = self.best_claim(ip) {
                estates.entry(owner).or_default().push(ip);
            }
        }
        let mut inherited = BTreeMap::new();
        for (owner, ips) in estates {
            let mut held = self.held.clone();
            held.remove(&owner);
            let nodes = held.len();
            let mut loads = Loads::new(held, self.facts.candidates.len(), nodes);
            for ip in ips {
                let mut eligible = self.eligible(ip);
                eligible.remove(&owner);
                if loads
                    .place(ip, &eligible)
                    .first()
                    .is_some_and(|first| first == self.me)
                {
                    inherited.insert(ip, owner.clone());
                }
            }
        }
        inherited
    }

    /// The members that gossip holds for dead, with the IPs that nobody else
    /// has claimed since.
    pub(super) fn absent(&self) -> BTreeMap<Node, BTreeSet<IpAddr>> {
        let mut absent: BTreeMap<Node, BTreeSet<IpAddr>> = BTreeMap::new();
        let orphans = self.wanted().filter(|ip| self.best_claim(*ip).is_none());
        for ip in orphans.filter(|ip| self.facts.reachable.contains(ip)) {
            if let Some(owner) = self.last_owner(ip) {
                absent.entry(owner).or_default().insert(ip);
            }
        }
        absent
    }

    /// Live, heard on the LAN, not leaving, and allowed to announce the IP. If
    /// nobody is heard, those that are not will do.
    pub(super) fn eligible(&self, ip: IpAddr) -> Eligible {
        let Some(candidates) = self.facts.candidates.get(&ip) else {
            return Eligible::new();
        };
        let willing = candidates
            .iter()
            .filter(|(node, _)| self.is_willing(node, ip));
        let (heard, isolated): (Eligible, Eligible) = willing
            .map(|(node, preference)| (node.clone(), *preference))
            .partition(|(node, _)| !self.is_isolated(node));
        if heard.is_empty() { isolated } else { heard }
    }

    fn is_willing(&self, node: &Node, ip: IpAddr) -> bool {
        if node == self.me {
            return !self.facts.draining && self.facts.reachable.contains(&ip);
        }
        let other = self.facts.others.get(node);
        other.is_some_and(|other| other.alive && !other.draining && !other.starting)
            && self.seen(Some(node)) != OnWire::Silent
    }

    fn is_isolated(&self, node: &Node) -> bool {
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
    fn seizures(&self, node: &Node, ip: IpAddr) -> u32 {
        let seized = self
            .facts
            .others
            .get(node)
            .and_then(|other| other.seized.get(&ip));
        seized.copied().unwrap_or(0)
    }

    /// Whether `node` keeps an IP that went back and forth, although it is not
    /// heard. It knows if it is heard by nobody.
    fn is_shielded(&self, node: &Node, ip: IpAddr) -> bool {
        let admitted = self.facts.candidates.get(&ip);
        admitted.is_some_and(|candidates| candidates.contains_key(node))
            && self
                .facts
                .others
                .get(node)
                .is_some_and(|other| other.alive && !other.draining && !other.isolated)
            && self.seizures(node, ip) >= SEIZURES
    }

    fn seen(&self, node: Option<&Node>) -> OnWire {
        let seen = node.and_then(|node| self.facts.wire.get(node));
        seen.copied().unwrap_or_default()
    }

    /// The highest live claim on an IP by another node.
    pub(super) fn best_claim(&self, ip: IpAddr) -> Option<(Epoch, Node)> {
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

    fn is_reported(&self, ip: IpAddr) -> bool {
        live(self.facts).any(|(_, other)| other.conflicts.contains(&ip))
    }

    /// The highest epoch that anybody claimed the IP with.
    pub(super) fn top_epoch(&self, ip: IpAddr) -> Epoch {
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
