//! The successor of an owner monitors it on the LAN: each owner whose first successor
//! this node is gets a unicast probe for its IPs in turn, one per interval. Pure.
//!
//! Gossip shows that a process is alive; it does not show that its port on the LAN
//! works, and often the two use different networks. An unanswered probe is repeated
//! quickly. After an interval without an answer the successor begins to probe all IPs
//! of that owner; after four the owner has failed, but only if another host answered
//! this node on that link meanwhile: otherwise this node's own port may be the problem.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::targets::{Probe, Targets};
use crate::layer2::election::Reachability;
use ferrolb_core::key::NodeName;

/// Unanswered probes before an owner is suspected, so that one or two lost frames do
/// not matter.
const MISSED_PROBES: u32 = 3;
/// Intervals without an answer after which an owner has failed: more than the gossip
/// roster waits for a heartbeat, since this node decides alone.
const FAILED_AFTER: u32 = 4;
/// Intervals after which a link is trusted again that brought no answer before.
const TRUSTED_AFTER: u32 = 2;
/// A probe is repeated after this fraction of the interval (numerator, denominator),
/// up to this number of times; then once per interval.
const FAST_RETRY: (u32, u32) = (3, 10);
const FAST_RETRIES: u32 = 16;
/// Intervals without an answer after which a link is tested.
const QUIET_AFTER: u32 = 20;
/// Intervals and probes without an answer after which a link is isolated.
const ISOLATED_AFTER: u32 = 10;
const ISOLATED_PROBES: u32 = 4;
/// The most owners probed at once, and the reference peers probed while one of them
/// does not answer.
const OWNERS_AT_ONCE: usize = 16;
const REFERENCE_PEERS: usize = 3;

/// One monitored owner.
#[derive(Debug, Default)]
struct OwnerHealth {
    /// The index of the next probe.
    turn: usize,
    /// When to send it; none is at once.
    next: Option<Instant>,
    /// When the last one was sent.
    probed_at: Option<Instant>,
    /// When it last answered.
    answered: Option<Instant>,
    /// When the first unanswered probe was sent.
    unanswered_since: Option<Instant>,
    /// The number of unanswered probes.
    missed: u32,
}

/// One of this node's links.
#[derive(Debug, Default)]
struct LinkHealth {
    /// The index of the next reference peer.
    turn: usize,
    /// When reference peers were last probed.
    probed_at: Option<Instant>,
    /// When any host last answered on it.
    answered: Option<Instant>,
    /// Since when there were answers without a pause.
    healthy_since: Option<Instant>,
    /// Since when, and how often, it was probed without an answer.
    unanswered_since: Option<Instant>,
    unanswered: u32,
}

impl LinkHealth {
    fn probed(&mut self, now: Instant) {
        self.unanswered_since.get_or_insert(now);
        self.unanswered = self.unanswered.saturating_add(1);
    }
}

/// Monitors owners.
#[derive(Debug)]
pub struct Monitor {
    interval: Duration,
    targets: Targets,
    owners: BTreeMap<NodeName, OwnerHealth>,
    link_health: BTreeMap<u32, LinkHealth>,
    next: Option<Instant>,
}

impl Monitor {
    /// Probes every `interval`, the gossip interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            targets: Targets::default(),
            owners: BTreeMap::new(),
            link_health: BTreeMap::new(),
            next: None,
        }
    }

    /// Monitors these from now on; the state of those that stay is kept.
    pub fn set(&mut self, targets: Targets, now: Instant) {
        self.owners
            .retain(|node, _| targets.owners.contains_key(node));
        self.link_health
            .retain(|link, _| targets.reference_peers.contains_key(link));
        for node in targets.owners.keys() {
            self.owners.entry(node.clone()).or_default();
        }
        for link in targets.reference_peers.keys() {
            self.link_health.entry(*link).or_default();
        }
        let idle = targets.owners.is_empty() && targets.reference_peers.is_empty();
        self.next = (!idle).then(|| self.next.unwrap_or(now));
        self.targets = targets;
    }

    /// This node may have missed answers: unanswered probes do not count.
    pub fn forget(&mut self) {
        for owner in self.owners.values_mut() {
            (owner.unanswered_since, owner.missed) = (None, 0);
        }
        for link_health in self.link_health.values_mut() {
            (link_health.unanswered_since, link_health.unanswered) = (None, 0);
        }
    }

    /// A member answered a probe on a link. Gratuitous announcements are not answers:
    /// they do not show that the member receives this node's frames.
    pub fn answered(&mut self, node: &str, link: u32, ip: IpAddr, now: Instant) {
        if let Some(link_health) = self.link_health.get_mut(&link) {
            let pause = self.interval * FAILED_AFTER;
            if link_health.answered.is_none_or(|last| now > last + pause) {
                link_health.healthy_since = Some(now);
            }
            link_health.answered = Some(now);
            (link_health.unanswered_since, link_health.unanswered) = (None, 0);
        }
        let mut probes = self.targets.owners.get(node).into_iter().flatten();
        if !probes.any(|probe| probe.ip == ip) {
            return;
        }
        if let Some(owner) = self.owners.get_mut(node) {
            owner.answered = Some(now);
            owner.next = owner.probed_at.map(|probed_at| probed_at + self.interval);
            (owner.unanswered_since, owner.missed) = (None, 0);
        }
    }

    /// The probes to send now.
    pub fn due(&mut self, now: Instant) -> Vec<Probe> {
        let mut probes = self.probe_owners(now);
        probes.extend(self.probe_reference_peers(now));
        if self.next.is_some_and(|next| next <= now) {
            self.next = Some(now + self.interval);
            probes.extend(self.probe_quiet_links(now));
        }
        probes
    }

    /// When [`due`](Self::due) will next have something.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let owners = self.owners.values().filter_map(|owner| owner.next);
        owners.chain(self.next).min()
    }

    /// The reachability of each monitored owner.
    #[must_use]
    pub fn reachability(&self, now: Instant) -> BTreeMap<NodeName, Reachability> {
        let owners = self.owners.iter();
        owners
            .map(|(node, owner)| (node.clone(), self.reachability_of(node, owner, now)))
            .collect()
    }

    /// When a monitored owner last answered.
    #[must_use]
    pub fn last_answer(&self, node: &str) -> Option<Instant> {
        self.owners.get(node)?.answered
    }

    /// Whether no other member answers this node on any link, although gossip knows
    /// members there: its port on the LAN does not work.
    #[must_use]
    pub fn is_isolated(&self, now: Instant) -> bool {
        let mut tested = self
            .link_health
            .iter()
            .filter(|(link, _)| self.has_reference_peer(**link));
        let is_isolated = |link_health: &LinkHealth| {
            let since = link_health.unanswered_since;
            let long = since.is_some_and(|since| now >= since + self.interval * ISOLATED_AFTER);
            long && link_health.unanswered >= ISOLATED_PROBES
        };
        tested.clone().next().is_some() && tested.all(|(_, link_health)| is_isolated(link_health))
    }

    fn has_reference_peer(&self, link: u32) -> bool {
        self.targets
            .reference_peers
            .get(&link)
            .is_some_and(|all| !all.is_empty())
    }

    fn reachability_of(&self, node: &str, owner: &OwnerHealth, now: Instant) -> Reachability {
        let Some(since) = owner.unanswered_since else {
            return if owner.answered.is_some() {
                Reachability::Reachable
            } else {
                Reachability::Unknown
            };
        };
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= self.interval * FAILED_AFTER
            && owner.missed >= MISSED_PROBES
            && self.link_works(node, since, now)
        {
            Reachability::Failed
        } else if elapsed >= self.interval && owner.missed >= MISSED_PROBES {
            Reachability::Probing
        } else if owner.answered.is_some() {
            Reachability::Reachable
        } else {
            Reachability::Unknown
        }
    }

    /// Whether this node's link to `node` works: some host answered there after `since`.
    /// That may be the kernel of the failed node itself, whose speaker does not answer.
    /// After a pause of this node's own port the first answer says little about the
    /// hosts that were not probed since.
    fn link_works(&self, node: &str, since: Instant, now: Instant) -> bool {
        let links = self.links_to(node);
        let mut link_health = links.iter().filter_map(|link| self.link_health.get(link));
        let steady = self.interval * TRUSTED_AFTER;
        link_health.any(|link| {
            link.answered.is_some_and(|answered| answered > since)
                && link.healthy_since.is_some_and(|from| now >= from + steady)
        })
    }

    fn links_to(&self, node: &str) -> BTreeSet<u32> {
        let probes = self.targets.owners.get(node).into_iter().flatten();
        probes.map(|probe| probe.link).collect()
    }

    /// Probes to the owners that have waited longest.
    fn probe_owners(&mut self, now: Instant) -> Vec<Probe> {
        let waiting = self.owners.iter();
        let due = waiting.filter(|(_, owner)| owner.next.is_none_or(|next| next <= now));
        let mut due: Vec<(Option<Instant>, NodeName)> = due
            .map(|(node, owner)| (owner.next, node.clone()))
            .collect();
        due.sort();
        let due = due.into_iter().take(OWNERS_AT_ONCE);
        due.filter_map(|(_, node)| self.probe_owner(&node, now))
            .collect()
    }

    fn probe_owner(&mut self, node: &str, now: Instant) -> Option<Probe> {
        let probes = self.targets.owners.get(node)?;
        let owner = self.owners.get_mut(node)?;
        let turn = owner.turn.checked_rem(probes.len())?;
        owner.turn = turn + 1;
        let pause = match owner.missed {
            0..FAST_RETRIES => self.interval * FAST_RETRY.0 / FAST_RETRY.1,
            _ => self.interval,
        };
        (owner.probed_at, owner.next) = (Some(now), Some(now + pause));
        owner.unanswered_since.get_or_insert(now);
        owner.missed = owner.missed.saturating_add(1);
        probes.get(turn).copied()
    }

    /// Where an owner did not answer at once, other members on the same link are probed,
    /// to show whether the link works.
    fn probe_reference_peers(&mut self, now: Instant) -> Vec<Probe> {
        let missed = self.owners.iter().filter(|(_, owner)| owner.missed > 1);
        let links: BTreeSet<u32> = missed.flat_map(|(node, _)| self.links_to(node)).collect();
        let mut sent = Vec::new();
        for link in links {
            let reference_peers = self.next_reference_peers(link, REFERENCE_PEERS);
            let Some(link_health) = self.link_health.get_mut(&link) else {
                continue;
            };
            if link_health
                .probed_at
                .is_none_or(|last| now >= last + self.interval)
            {
                link_health.probed_at = Some(now);
                link_health.turn = link_health.turn.wrapping_add(REFERENCE_PEERS);
                if !reference_peers.is_empty() {
                    link_health.probed(now);
                }
                sent.extend(reference_peers);
            }
        }
        sent
    }

    /// A link on which no host has answered for long is tested.
    fn probe_quiet_links(&mut self, now: Instant) -> Vec<Probe> {
        let quiet = self.interval * QUIET_AFTER;
        let mut probes = Vec::new();
        let links: Vec<u32> = self.link_health.keys().copied().collect();
        for link in links {
            let next = self.next_reference_peers(link, 1);
            let Some(link_health) = self.link_health.get_mut(&link) else {
                continue;
            };
            let lately = link_health
                .answered
                .is_some_and(|answered| now < answered + quiet);
            if next.is_empty() || lately {
                continue;
            }
            link_health.turn = link_health.turn.wrapping_add(1);
            link_health.probed(now);
            probes.extend(next);
        }
        probes
    }

    fn next_reference_peers(&self, link: u32, count: usize) -> Vec<Probe> {
        let all = self
            .targets
            .reference_peers
            .get(&link)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let turn = self
            .link_health
            .get(&link)
            .map_or(0, |link_health| link_health.turn);
        let start = turn.checked_rem(all.len()).unwrap_or_default();
        let round = all.iter().cycle().skip(start).take(count.min(all.len()));
        round.map(|(_, probe)| *probe).collect()
    }
}

#[cfg(test)]
mod tests;
