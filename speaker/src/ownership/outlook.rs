//! From the facts to what matters for one IP: who holds it, who may, who is
//! next in line.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::entry::Situation;
use super::rank::{Loads, rank};
use super::{Epoch, Facts, Node, Standing};

fn live(facts: &Facts) -> impl Iterator<Item = (&Node, &Standing)> {
    facts.others.iter().filter(|(_, other)| other.alive)
}

/// Turns the facts into what matters for one IP after the other, handing out
/// orphans on the way.
pub(super) struct Outlook<'a> {
    me: &'a str,
    facts: &'a Facts,
    loads: Loads,
}

impl<'a> Outlook<'a> {
    pub(super) fn new(me: &'a str, facts: &'a Facts, own_claims: usize) -> Self {
        let mut held: BTreeMap<Node, usize> = live(facts)
            .map(|(node, other)| (node.clone(), other.claims.len()))
            .collect();
        held.insert(me.to_owned(), own_claims);
        let nodes = held.len();
        let loads = Loads::new(held, facts.candidates.len(), nodes);
        Self { me, facts, loads }
    }

    /// Must be called once for each IP, always in the same order.
    pub(super) fn situation(&mut self, ip: IpAddr, own: Option<Epoch>) -> Situation {
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
        candidates.keys().filter(fit).cloned().collect()
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
