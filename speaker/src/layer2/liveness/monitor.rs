//! The heir watches the owner on the wire: each owner whose IPs this node
//! would inherit is probed for them in turn, by unicast, once per interval. Pure.
//!
//! Gossip says that a process lives; whether its port on the LAN works only
//! the LAN can say, and often the two travel different networks. A probe
//! that is not answered is put again quickly. An interval without an answer
//! makes the heir begin to ask for all of that owner's IPs; after four the
//! owner counts as silent, but only if some station answered this node on that
//! link meanwhile: else it may be this node that is not heard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::layer2::election::Reachability;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// Questions that must have gone unanswered before an owner is missed, so that
/// a lost frame or two are none of anybody's concern.
const MISSED_PROBES: u32 = 3;
/// Intervals without an answer after which an owner is silent: more than the
/// roster waits for a beat, since it is alone with its verdict.
const FAILED_AFTER: u32 = 4;
/// Intervals after which a link counts as heard on that brought no answer before.
const TRUSTED_AFTER: u32 = 2;
/// A probe is put again after this fraction of the interval (numerator,
/// denominator), so many times; then at every interval again.
const FAST_RETRY: (u32, u32) = (3, 10);
const FAST_RETRIES: u32 = 16;
/// Intervals after which a link is tested that brought no answer meanwhile.
const QUIET_AFTER: u32 = 20;
/// Intervals and probes without an answer after which a link is deaf.
const ISOLATED_AFTER: u32 = 10;
const ISOLATED_PROBES: u32 = 4;
/// Owners probed per interval, and reference peers called while one of them is missed.
const OWNERS_PER_INTERVAL: usize = 16;
const REFERENCE_PEERS: usize = 3;

/// A probe to one station on one of this node's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// Kernel index of this node's link.
    pub link: u32,
    /// The address probed for.
    pub ip: IpAddr,
    /// Whom to ask.
    pub mac: Mac,
}

/// Whom to watch and who can bear reference peer, as the facts have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// For each owner this node would inherit from what to ask it.
    pub owners: BTreeMap<NodeName, Vec<Probe>>,
    /// For each of this node's links the other members on it, probed for their
    /// own addresses.
    pub reference_peers: BTreeMap<u32, Vec<(NodeName, Probe)>>,
}

impl Targets {
    /// The addresses whose answers have to be reported.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let owners = self.owners.values().flatten();
        let reference_peers = self.reference_peers.values().flatten().map(|(_, it)| it);
        owners.chain(reference_peers).map(|probe| probe.ip)
    }
}

/// What is known of one watched owner.
#[derive(Debug, Default)]
struct WatchedOwner {
    /// The probe to put next.
    turn: usize,
    /// When to put it; none at once.
    next: Option<Instant>,
    /// When the last one was put.
    probed_at: Option<Instant>,
    /// When it last answered.
    answered: Option<Instant>,
    /// When the first probe was put that it has not answered.
    unanswered_since: Option<Instant>,
    /// How many it has not answered.
    missed: u32,
}

/// What is known of one of this node's links.
#[derive(Debug, Default)]
struct LinkHealth {
    turn: usize,
    /// When reference peers were last called.
    probed_at: Option<Instant>,
    /// When anybody last answered on it.
    answered: Option<Instant>,
    /// Since when somebody always did.
    healthy_since: Option<Instant>,
    /// Since when, and how often, it has been tested in vain.
    unanswered_since: Option<Instant>,
    unanswered: u32,
}

impl LinkHealth {
    fn probed(&mut self, now: Instant) {
        self.unanswered_since.get_or_insert(now);
        self.unanswered = self.unanswered.saturating_add(1);
    }
}

/// Watches owners.
#[derive(Debug)]
pub struct Monitor {
    interval: Duration,
    targets: Targets,
    watched: BTreeMap<NodeName, WatchedOwner>,
    link_health: BTreeMap<u32, LinkHealth>,
    next: Option<Instant>,
}

impl Monitor {
    /// Asks every `interval`, the gossip's.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            targets: Targets::default(),
            watched: BTreeMap::new(),
            link_health: BTreeMap::new(),
            next: None,
        }
    }

    /// Watches these from now on; what is known of those that stay is kept.
    pub fn set(&mut self, targets: Targets, now: Instant) {
        self.watched
            .retain(|node, _| targets.owners.contains_key(node));
        self.link_health
            .retain(|link, _| targets.reference_peers.contains_key(link));
        for node in targets.owners.keys() {
            self.watched.entry(node.clone()).or_default();
        }
        for link in targets.reference_peers.keys() {
            self.link_health.entry(*link).or_default();
        }
        let idle = targets.owners.is_empty() && targets.reference_peers.is_empty();
        self.next = (!idle).then(|| self.next.unwrap_or(now));
        self.targets = targets;
    }

    /// This node stood still: answers may have been missed that were given.
    pub fn forget(&mut self) {
        for watched in self.watched.values_mut() {
            (watched.unanswered_since, watched.missed) = (None, 0);
        }
        for link_health in self.link_health.values_mut() {
            (link_health.unanswered_since, link_health.unanswered) = (None, 0);
        }
    }

    /// A member answered on a link that it has an address. What it tells
    /// everybody unasked is no answer: it does not show that this node is heard.
    pub fn answered(&mut self, node: &str, link: u32, ip: IpAddr, now: Instant) {
        if let Some(link_health) = self.link_health.get_mut(&link) {
            let pause = self.interval * FAILED_AFTER;
            if link_health.answered.is_none_or(|last| now > last + pause) {
                link_health.healthy_since = Some(now);
            }
            link_health.answered = Some(now);
            (link_health.unanswered_since, link_health.unanswered) = (None, 0);
        }
        let probed_at = self.targets.owners.get(node).into_iter().flatten();
        if !probed_at.into_iter().any(|probe| probe.ip == ip) {
            return;
        }
        if let Some(watched) = self.watched.get_mut(node) {
            watched.answered = Some(now);
            watched.next = watched.probed_at.map(|probed_at| probed_at + self.interval);
            (watched.unanswered_since, watched.missed) = (None, 0);
        }
    }

    /// The probes to put now.
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
        let owners = self.watched.values().filter_map(|watched| watched.next);
        owners.chain(self.next).min()
    }

    /// How each watched owner stands.
    #[must_use]
    pub fn reachability(&self, now: Instant) -> BTreeMap<NodeName, Reachability> {
        let owners = self.watched.iter();
        owners
            .map(|(node, watched)| (node.clone(), self.reachability_of(node, watched, now)))
            .collect()
    }

    /// When a watched owner last answered.
    #[must_use]
    pub fn last_answer(&self, node: &str) -> Option<Instant> {
        self.watched.get(node)?.answered
    }

    /// No other member answers this node on any link, although gossip knows
    /// some there: its port on the LAN does not work.
    #[must_use]
    pub fn is_isolated(&self, now: Instant) -> bool {
        let mut tested = self
            .link_health
            .iter()
            .filter(|(link, _)| self.has_reference_peer(**link));
        let deaf = |link_health: &LinkHealth| {
            let since = link_health.unanswered_since;
            let long = since.is_some_and(|since| now >= since + self.interval * ISOLATED_AFTER);
            long && link_health.unanswered >= ISOLATED_PROBES
        };
        tested.clone().next().is_some() && tested.all(|(_, link_health)| deaf(link_health))
    }

    fn has_reference_peer(&self, link: u32) -> bool {
        self.targets
            .reference_peers
            .get(&link)
            .is_some_and(|all| !all.is_empty())
    }

    fn reachability_of(&self, node: &str, watched: &WatchedOwner, now: Instant) -> Reachability {
        let Some(since) = watched.unanswered_since else {
            return if watched.answered.is_some() {
                Reachability::Reachable
            } else {
                Reachability::Unknown
            };
        };
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= self.interval * FAILED_AFTER
            && watched.missed >= MISSED_PROBES
            && self.is_heard(node, since, now)
        {
            Reachability::Failed
        } else if elapsed >= self.interval && watched.missed >= MISSED_PROBES {
            Reachability::Probing
        } else if watched.answered.is_some() {
            Reachability::Reachable
        } else {
            Reachability::Unknown
        }
    }

    /// Whether, on a link on which `node` is probed, anybody answered after
    /// `since`. That may be the kernel of the silent node itself: it hears this
    /// node, and its speaker does not answer. After a pause of this node's own
    /// port the first answer says little of those that have not been probed since.
    fn is_heard(&self, node: &str, since: Instant, now: Instant) -> bool {
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

    /// Those that have waited longest first.
    fn probe_owners(&mut self, now: Instant) -> Vec<Probe> {
        let waiting = self.watched.iter();
        let due = waiting.filter(|(_, watched)| watched.next.is_none_or(|next| next <= now));
        let mut due: Vec<(Option<Instant>, NodeName)> = due
            .map(|(node, watched)| (watched.next, node.clone()))
            .collect();
        due.sort();
        let due = due.into_iter().take(OWNERS_PER_INTERVAL);
        due.filter_map(|(_, node)| self.probe_owner(&node, now))
            .collect()
    }

    fn probe_owner(&mut self, node: &str, now: Instant) -> Option<Probe> {
        let probes = self.targets.owners.get(node)?;
        let watched = self.watched.get_mut(node)?;
        let turn = watched.turn.checked_rem(probes.len())?;
        watched.turn = turn + 1;
        let pause = match watched.missed {
            0..FAST_RETRIES => self.interval * FAST_RETRY.0 / FAST_RETRY.1,
            _ => self.interval,
        };
        (watched.probed_at, watched.next) = (Some(now), Some(now + pause));
        watched.unanswered_since.get_or_insert(now);
        watched.missed = watched.missed.saturating_add(1);
        probes.get(turn).copied()
    }

    /// Where an owner has not answered at once, others on the same link are
    /// probed whether they hear this node.
    fn probe_reference_peers(&mut self, now: Instant) -> Vec<Probe> {
        let missed = self
            .watched
            .iter()
            .filter(|(_, watched)| watched.missed > 1);
        let links: BTreeSet<u32> = missed.flat_map(|(node, _)| self.links_to(node)).collect();
        let mut probed_at = Vec::new();
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
                probed_at.extend(reference_peers);
            }
        }
        probed_at
    }

    /// A link on which nobody has answered for long is tested.
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
