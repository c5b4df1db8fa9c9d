//! Why each node that may not announce an IP may not, and which of the IPs that
//! no node may announce this speaker reports. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ferrolb_core::ineligible::{Ineligible, Unannounced};
use ferrolb_core::key::NodeName;

use crate::eligibility::{DesiredIp, DesiredIps};
use crate::gossip::View;
use crate::layer2::election::rank;
use crate::layer2::gossip_keys;
use crate::layer2::links::{Lan, LanLink, link_reason};
use crate::layer2::snapshot::Snapshot;

/// An IP is reported once it has had no eligible node for this long: a fresh
/// Service waits for its endpoints, and a restarted speaker for its peers.
const REPORT_DELAY: Duration = Duration::from_secs(3);

/// What a node's reasons are derived from.
#[derive(Debug)]
pub struct ReasonSources<'a> {
    /// This node.
    pub node: &'a str,
    /// The Nodes that the API server has.
    pub nodes: BTreeSet<&'a NodeName>,
    /// The members, their links, and the candidates for each IP.
    pub snapshot: &'a Snapshot,
    /// The links of each member that are down or have no carrier.
    pub links_down: Lan,
}

impl<'a> ReasonSources<'a> {
    /// For this node, with these of its links down.
    #[must_use]
    pub fn new(
        node: &'a str,
        nodes: impl Iterator<Item = &'a NodeName>,
        snapshot: &'a Snapshot,
        view: &View,
        own_links_down: Vec<LanLink>,
    ) -> Self {
        let others = view.members.iter().filter(|(name, _)| *name != node);
        let links_down = others.map(|(name, member)| {
            let links = gossip_keys::read_links_down(&member.state);
            (name.clone(), links)
        });
        let own = (node.to_owned(), own_links_down);
        Self {
            node,
            nodes: nodes.collect(),
            snapshot,
            links_down: links_down.chain([own]).collect(),
        }
    }

    /// Whether there is no node that may announce an IP.
    #[must_use]
    pub fn has_no_candidate(&self, ip: IpAddr) -> bool {
        let candidates = self.snapshot.input.candidates.get(&ip);
        candidates.is_some_and(|candidates| candidates.is_empty())
    }

    /// The nodes that may not announce an IP, each with its reason.
    #[must_use]
    pub fn ineligible(&self, ip: IpAddr, desired: &DesiredIp) -> BTreeMap<NodeName, Ineligible> {
        let input = &self.snapshot.input;
        let candidates = input.candidates.get(&ip);
        let is_candidate = |node: &NodeName| candidates.is_some_and(|it| it.contains_key(node));
        let nodes = self.nodes.iter().copied().chain(input.others.keys());
        nodes
            .filter(|node| !is_candidate(node))
            .map(|node| (node.clone(), self.reason(ip, node, desired)))
            .collect()
    }

    /// Policy first, then liveness, then links.
    fn reason(&self, ip: IpAddr, node: &NodeName, desired: &DesiredIp) -> Ineligible {
        if !self.nodes.contains(node) {
            return Ineligible::NoNode;
        }
        let Some(policy) = desired.nodes.get(node) else {
            return Ineligible::NotSelected;
        };
        if let Some(reason) = &policy.ineligible {
            return reason.clone();
        }
        if !self.is_alive(node) {
            return Ineligible::NoSpeaker;
        }
        let links = |lan: &'a Lan| lan.get(node).map_or(&[][..], Vec::as_slice);
        let down = self.links_down.get(node).map_or(&[][..], Vec::as_slice);
        link_reason(ip, &policy.interfaces, links(&self.snapshot.lan), down)
    }

    fn is_alive(&self, node: &NodeName) -> bool {
        let other = self.snapshot.input.others.get(node);
        *node == self.node || other.is_some_and(|other| other.alive)
    }

    /// The members that can report: alive, and neither starting nor leaving.
    fn reporters(&self) -> BTreeSet<NodeName> {
        let input = &self.snapshot.input;
        let others = input.others.iter();
        let ready = others.filter(|(_, it)| it.alive && !it.starting && !it.draining);
        let own = (!input.draining).then(|| self.node.to_owned());
        ready.map(|(node, _)| node.clone()).chain(own).collect()
    }
}

/// The IPs that no node may announce.
#[derive(Debug, Default)]
pub struct UnannouncedIps {
    /// Since when each has had no candidate.
    since: BTreeMap<IpAddr, Instant>,
    reporters: Reporters,
}

impl UnannouncedIps {
    /// The IPs that this speaker has to report, and why no node may announce
    /// them. Of the live members the one with the highest rank for an IP reports
    /// it, eligible or not; so the work is spread, and no two report the same.
    pub fn update(
        &mut self,
        desired: &DesiredIps,
        sources: &ReasonSources<'_>,
        now: Instant,
    ) -> BTreeMap<IpAddr, Unannounced> {
        self.since
            .retain(|ip, _| desired.contains_key(ip) && sources.has_no_candidate(*ip));
        self.reporters.forget_others(&self.since);
        let without = desired
            .iter()
            .filter(|(ip, _)| sources.has_no_candidate(**ip));
        let mut reported = BTreeMap::new();
        let mut members_known = false;
        for (ip, desired) in without {
            let since = *self.since.entry(*ip).or_insert(now);
            if now < since + REPORT_DELAY {
                continue;
            }
            if !members_known {
                self.reporters.set_members(sources.reporters());
                members_known = true;
            }
            if self.reporters.first_for(*ip) == Some(sources.node) {
                let reasons = sources.ineligible(*ip, desired);
                let unannounced = Unannounced::new(&reasons, desired.no_common_node);
                reported.insert(*ip, unannounced);
            }
        }
        reported
    }

    /// When the next IP will have to be reported.
    #[must_use]
    pub fn next_report(&self, now: Instant) -> Option<Instant> {
        let due = self.since.values().map(|since| *since + REPORT_DELAY);
        due.filter(|due| *due > now).min()
    }
}

/// The member that reports each IP. When members come and go, only what they
/// change is computed again.
#[derive(Debug, Default)]
struct Reporters {
    members: BTreeSet<NodeName>,
    /// Rank and name.
    first: BTreeMap<IpAddr, (u64, NodeName)>,
}

impl Reporters {
    fn set_members(&mut self, members: BTreeSet<NodeName>) {
        if members == self.members {
            return;
        }
        self.first.retain(|_, (_, node)| members.contains(node));
        for (ip, first) in &mut self.first {
            let joined = members.difference(&self.members);
            let best = joined.map(|node| (rank(*ip, node), node.clone())).max();
            if let Some(best) = best.filter(|best| best > first) {
                *first = best;
            }
        }
        self.members = members;
    }

    fn first_for(&mut self, ip: IpAddr) -> Option<&str> {
        if !self.first.contains_key(&ip) {
            let ranked = self.members.iter().map(|node| (rank(ip, node), node));
            let (rank, node) = ranked.max()?;
            self.first.insert(ip, (rank, node.clone()));
        }
        self.first.get(&ip).map(|(_, node)| node.as_str())
    }

    fn forget_others<V>(&mut self, known: &BTreeMap<IpAddr, V>) {
        self.first.retain(|ip, _| known.contains_key(ip));
    }
}

#[cfg(test)]
mod tests;
