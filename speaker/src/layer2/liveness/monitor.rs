//! The heir watches the owner on the wire: each owner whose IPs this node
//! would inherit is asked for them in turn, by unicast, once per interval. Pure.
//!
//! Gossip says that a process lives; whether its port on the LAN works only
//! the LAN can say, and often the two travel different networks. A question
//! that is not answered is put again quickly. An interval without an answer
//! makes the heir begin to ask for all of that owner's IPs; after four the
//! owner counts as silent, but only if some station answered this node on that
//! link meanwhile: else it may be this node that is not heard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::layer2::election::OnWire;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// Questions that must have gone unanswered before an owner is missed, so that
/// a lost frame or two are none of anybody's concern.
const MISSED: u32 = 3;
/// Intervals without an answer after which an owner is silent: more than the
/// roster waits for a beat, since it is alone with its verdict.
const SILENT_AFTER: u32 = 4;
/// Intervals after which a link counts as heard on that brought no answer before.
const STEADY_AFTER: u32 = 2;
/// A question is put again after this fraction of the interval (numerator,
/// denominator), so many times; then at every interval again.
const AGAIN: (u32, u32) = (3, 10);
const QUICKLY: u32 = 16;
/// Intervals after which a link is tested that brought no answer meanwhile.
const TEST_AFTER: u32 = 20;
/// Intervals and questions without an answer after which a link is deaf.
const DEAF_AFTER: u32 = 10;
const DEAF_QUESTIONS: u32 = 4;
/// Owners asked per interval, and witnesses called while one of them is missed.
const OWNERS: usize = 16;
const WITNESSES: usize = 3;

/// A question to one station on one of this node's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// Kernel index of this node's link.
    pub link: u32,
    /// The address asked for.
    pub ip: IpAddr,
    /// Whom to ask.
    pub station: Mac,
}

/// Whom to watch and who can bear witness, as the facts have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watchlist {
    /// For each owner this node would inherit from what to ask it.
    pub owners: BTreeMap<NodeName, Vec<Question>>,
    /// For each of this node's links the other members on it, asked for their
    /// own addresses.
    pub witnesses: BTreeMap<u32, Vec<(NodeName, Question)>>,
}

impl Watchlist {
    /// The addresses whose answers have to be reported.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let owners = self.owners.values().flatten();
        let witnesses = self.witnesses.values().flatten().map(|(_, it)| it);
        owners.chain(witnesses).map(|question| question.ip)
    }
}

/// What is known of one watched owner.
#[derive(Debug, Default)]
struct Watched {
    /// The question to put next.
    turn: usize,
    /// When to put it; none at once.
    next: Option<Instant>,
    /// When the last one was put.
    asked: Option<Instant>,
    /// When it last answered.
    answered: Option<Instant>,
    /// When the first question was put that it has not answered.
    missed_since: Option<Instant>,
    /// How many it has not answered.
    missed: u32,
}

/// What is known of one of this node's links.
#[derive(Debug, Default)]
struct Hearing {
    turn: usize,
    /// When witnesses were last called.
    called: Option<Instant>,
    /// When anybody last answered on it.
    answered: Option<Instant>,
    /// Since when somebody always did.
    hears_since: Option<Instant>,
    /// Since when, and how often, it has been tested in vain.
    tested_since: Option<Instant>,
    tests: u32,
}

impl Hearing {
    fn tested(&mut self, now: Instant) {
        self.tested_since.get_or_insert(now);
        self.tests = self.tests.saturating_add(1);
    }
}

/// Watches owners.
#[derive(Debug)]
pub struct Watchman {
    interval: Duration,
    list: Watchlist,
    watched: BTreeMap<NodeName, Watched>,
    hearing: BTreeMap<u32, Hearing>,
    next: Option<Instant>,
}

impl Watchman {
    /// Asks every `interval`, the gossip's.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            list: Watchlist::default(),
            watched: BTreeMap::new(),
            hearing: BTreeMap::new(),
            next: None,
        }
    }

    /// Watches these from now on; what is known of those that stay is kept.
    pub fn set(&mut self, list: Watchlist, now: Instant) {
        self.watched
            .retain(|node, _| list.owners.contains_key(node));
        self.hearing
            .retain(|link, _| list.witnesses.contains_key(link));
        for node in list.owners.keys() {
            self.watched.entry(node.clone()).or_default();
        }
        for link in list.witnesses.keys() {
            self.hearing.entry(*link).or_default();
        }
        let idle = list.owners.is_empty() && list.witnesses.is_empty();
        self.next = (!idle).then(|| self.next.unwrap_or(now));
        self.list = list;
    }

    /// This node stood still: answers may have been missed that were given.
    pub fn forget(&mut self) {
        for watched in self.watched.values_mut() {
            (watched.missed_since, watched.missed) = (None, 0);
        }
        for hearing in self.hearing.values_mut() {
            (hearing.tested_since, hearing.tests) = (None, 0);
        }
    }

    /// A member answered on a link that it has an address. What it tells
    /// everybody unasked is no answer: it does not show that this node is heard.
    pub fn heard(&mut self, node: &str, link: u32, ip: IpAddr, now: Instant) {
        if let Some(hearing) = self.hearing.get_mut(&link) {
            let pause = self.interval * SILENT_AFTER;
            if hearing.answered.is_none_or(|last| now > last + pause) {
                hearing.hears_since = Some(now);
            }
            hearing.answered = Some(now);
            (hearing.tested_since, hearing.tests) = (None, 0);
        }
        let asked = self.list.owners.get(node).into_iter().flatten();
        if !asked.into_iter().any(|question| question.ip == ip) {
            return;
        }
        if let Some(watched) = self.watched.get_mut(node) {
            watched.answered = Some(now);
            watched.next = watched.asked.map(|asked| asked + self.interval);
            (watched.missed_since, watched.missed) = (None, 0);
        }
    }

    /// The questions to put now.
    pub fn due(&mut self, now: Instant) -> Vec<Question> {
        let mut questions = self.ask_owners(now);
        questions.extend(self.call_witnesses(now));
        if self.next.is_some_and(|next| next <= now) {
            self.next = Some(now + self.interval);
            questions.extend(self.test_links(now));
        }
        questions
    }

    /// When [`due`](Self::due) will next have something.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let owners = self.watched.values().filter_map(|watched| watched.next);
        owners.chain(self.next).min()
    }

    /// How each watched owner stands.
    #[must_use]
    pub fn on_wire(&self, now: Instant) -> BTreeMap<NodeName, OnWire> {
        let owners = self.watched.iter();
        owners
            .map(|(node, watched)| (node.clone(), self.judge(node, watched, now)))
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
            .hearing
            .iter()
            .filter(|(link, _)| self.has_witness(**link));
        let deaf = |hearing: &Hearing| {
            let since = hearing.tested_since;
            let long = since.is_some_and(|since| now >= since + self.interval * DEAF_AFTER);
            long && hearing.tests >= DEAF_QUESTIONS
        };
        tested.clone().next().is_some() && tested.all(|(_, hearing)| deaf(hearing))
    }

    fn has_witness(&self, link: u32) -> bool {
        self.list
            .witnesses
            .get(&link)
            .is_some_and(|all| !all.is_empty())
    }

    fn judge(&self, node: &str, watched: &Watched, now: Instant) -> OnWire {
        let Some(since) = watched.missed_since else {
            return if watched.answered.is_some() {
                OnWire::Answers
            } else {
                OnWire::Unknown
            };
        };
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= self.interval * SILENT_AFTER
            && watched.missed >= MISSED
            && self.is_heard(node, since, now)
        {
            OnWire::Silent
        } else if elapsed >= self.interval && watched.missed >= MISSED {
            OnWire::Misses
        } else if watched.answered.is_some() {
            OnWire::Answers
        } else {
            OnWire::Unknown
        }
    }

    /// Whether, on a link on which `node` is asked, anybody answered after
    /// `since`. That may be the kernel of the silent node itself: it hears this
    /// node, and its speaker does not answer. After a pause of this node's own
    /// port the first answer says little of those that have not been asked since.
    fn is_heard(&self, node: &str, since: Instant, now: Instant) -> bool {
        let links = self.links_to(node);
        let mut hearing = links.iter().filter_map(|link| self.hearing.get(link));
        let steady = self.interval * STEADY_AFTER;
        hearing.any(|link| {
            link.answered.is_some_and(|answered| answered > since)
                && link.hears_since.is_some_and(|from| now >= from + steady)
        })
    }

    fn links_to(&self, node: &str) -> BTreeSet<u32> {
        let questions = self.list.owners.get(node).into_iter().flatten();
        questions.map(|question| question.link).collect()
    }

    /// Those that have waited longest first.
    fn ask_owners(&mut self, now: Instant) -> Vec<Question> {
        let waiting = self.watched.iter();
        let due = waiting.filter(|(_, watched)| watched.next.is_none_or(|next| next <= now));
        let mut due: Vec<(Option<Instant>, NodeName)> = due
            .map(|(node, watched)| (watched.next, node.clone()))
            .collect();
        due.sort();
        let due = due.into_iter().take(OWNERS);
        due.filter_map(|(_, node)| self.ask_owner(&node, now))
            .collect()
    }

    fn ask_owner(&mut self, node: &str, now: Instant) -> Option<Question> {
        let questions = self.list.owners.get(node)?;
        let watched = self.watched.get_mut(node)?;
        let turn = watched.turn.checked_rem(questions.len())?;
        watched.turn = turn + 1;
        let pause = match watched.missed {
            0..QUICKLY => self.interval * AGAIN.0 / AGAIN.1,
            _ => self.interval,
        };
        (watched.asked, watched.next) = (Some(now), Some(now + pause));
        watched.missed_since.get_or_insert(now);
        watched.missed = watched.missed.saturating_add(1);
        questions.get(turn).copied()
    }

    /// Where an owner has not answered at once, others on the same link are
    /// asked whether they hear this node.
    fn call_witnesses(&mut self, now: Instant) -> Vec<Question> {
        let missed = self
            .watched
            .iter()
            .filter(|(_, watched)| watched.missed > 1);
        let links: BTreeSet<u32> = missed.flat_map(|(node, _)| self.links_to(node)).collect();
        let mut called = Vec::new();
        for link in links {
            let witnesses = self.next_witnesses(link, WITNESSES);
            let Some(hearing) = self.hearing.get_mut(&link) else {
                continue;
            };
            if hearing
                .called
                .is_none_or(|last| now >= last + self.interval)
            {
                hearing.called = Some(now);
                hearing.turn = hearing.turn.wrapping_add(WITNESSES);
                if !witnesses.is_empty() {
                    hearing.tested(now);
                }
                called.extend(witnesses);
            }
        }
        called
    }

    /// A link on which nobody has answered for long is tested.
    fn test_links(&mut self, now: Instant) -> Vec<Question> {
        let quiet = self.interval * TEST_AFTER;
        let mut questions = Vec::new();
        let links: Vec<u32> = self.hearing.keys().copied().collect();
        for link in links {
            let next = self.next_witnesses(link, 1);
            let Some(hearing) = self.hearing.get_mut(&link) else {
                continue;
            };
            let lately = hearing
                .answered
                .is_some_and(|answered| now < answered + quiet);
            if next.is_empty() || lately {
                continue;
            }
            hearing.turn = hearing.turn.wrapping_add(1);
            hearing.tested(now);
            questions.extend(next);
        }
        questions
    }

    fn next_witnesses(&self, link: u32, count: usize) -> Vec<Question> {
        let all = self
            .list
            .witnesses
            .get(&link)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let turn = self.hearing.get(&link).map_or(0, |hearing| hearing.turn);
        let start = turn.checked_rem(all.len()).unwrap_or_default();
        let round = all.iter().cycle().skip(start).take(count.min(all.len()));
        round.map(|(_, question)| *question).collect()
    }
}

#[cfg(test)]
mod tests;
