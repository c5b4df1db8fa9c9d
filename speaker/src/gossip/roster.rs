//! From what chitchat holds to the view of the speaker: which start of each
//! node counts, who is alive, and whom to contact. Pure: time is passed in.
//!
//! Two rules are added to chitchat's verdicts.
//!
//! **A silence must be long in absolute terms.** chitchat calls a member dead
//! when it is silent for eight times the usual gap between its beats. Every
//! message carries a beat, so a burst of pushed messages shrinks that usual gap
//! for a while, and an ordinary pause would look like death. A live member is
//! not shown as dead before its last beat is `quiet` old.
//!
//! **One start of a node counts**: of those alive the one with the highest
//! generation, and only if none is alive, of the dead likewise. So a restarted
//! speaker replaces its former self as soon as its first message arrives; if its
//! clock has gone back, when the former self is considered dead; and if two
//! processes act for one node (which the fixed gossip port prevents on one
//! machine), all members follow the same one. For the speaker's own node its own
//! start counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::view::{Member, View};

/// One start of one node's speaker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incarnation {
    /// The node's name.
    pub node: String,
    /// The number of the start.
    pub generation: u64,
    /// Where it receives gossip.
    pub addr: SocketAddr,
}

/// Changes whenever a key is set or deleted: the version up to which deletions
/// are forgotten, and the version of the newest change.
pub type Version = (u64, u64);

/// What chitchat holds about one incarnation at one moment.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The start of a speaker that this is about.
    pub who: Incarnation,
    /// Its heartbeat counter.
    pub beat: u64,
    /// The version of its keys.
    pub version: Version,
    /// chitchat's own verdict.
    pub alive: bool,
    /// Its keys; left out where the roster knows this version.
    pub state: Option<BTreeMap<String, String>>,
}

#[derive(Debug)]
struct Record {
    beat: u64,
    beat_at: Instant,
    version: Version,
    alive: bool,
    state: BTreeMap<String, String>,
}

/// What is known about every incarnation. Owned by the driver.
#[derive(Debug)]
pub struct Roster {
    own: Incarnation,
    quiet: Duration,
    records: BTreeMap<Incarnation, Record>,
}

impl Roster {
    /// The roster of `own`; a live member is not shown as dead before its last heartbeat
    /// is `quiet` old.
    #[must_use]
    pub fn new(own: Incarnation, quiet: Duration) -> Self {
        Self {
            own,
            quiet,
            records: BTreeMap::new(),
        }
    }

    /// The version up to which this roster has the keys of `who`.
    #[must_use]
    pub fn version(&self, who: &Incarnation) -> Option<Version> {
        self.records.get(who).map(|record| record.version)
    }

    /// Takes everything that chitchat holds at `now`. Returns the new view if it
    /// differs from the one before.
    pub fn update(&mut self, observations: Vec<Observation>, now: Instant) -> Option<View> {
        let present: BTreeSet<Incarnation> = observations.iter().map(|s| s.who.clone()).collect();
        let before = self.records.len();
        self.records.retain(|who, _| present.contains(who));
        let mut changed = before != self.records.len();
        for observation in observations {
            changed |= self.note(observation, now);
        }
        changed.then(|| self.view())
    }

    fn note(&mut self, observation: Observation, now: Instant) -> bool {
        let own = observation.who == self.own;
        let Some(record) = self.records.get_mut(&observation.who) else {
            let record = Record {
                beat: observation.beat,
                beat_at: now,
                version: observation.version,
                alive: own || observation.alive,
                state: observation.state.unwrap_or_default(),
            };
            self.records.insert(observation.who, record);
            return true;
        };
        if record.beat != observation.beat {
            (record.beat, record.beat_at) = (observation.beat, now);
        }
        let recent = now.saturating_duration_since(record.beat_at) < self.quiet;
        let alive = own || observation.alive || (record.alive && recent);
        let mut changed = alive != record.alive;
        record.alive = alive;
        if let Some(state) = observation.state {
            changed |= state != record.state;
            (record.version, record.state) = (observation.version, state);
        }
        changed
    }

    fn view(&self) -> View {
        let mut members = BTreeMap::new();
        for who in self.shown().into_values() {
            if let Some(record) = self.records.get(who) {
                members.insert(who.node.clone(), member(who, record));
            }
        }
        View { members }
    }

    fn shown(&self) -> BTreeMap<&str, &Incarnation> {
        let mut best: BTreeMap<&str, ((bool, bool, u64), &Incarnation)> = BTreeMap::new();
        for (who, record) in &self.records {
            let merit = (who == &self.own, record.alive, who.generation);
            let held = best.entry(&who.node).or_insert((merit, who));
            if merit > held.0 {
                *held = (merit, who);
            }
        }
        best.into_iter()
            .map(|(node, (_, who))| (node, who))
            .collect()
    }

    /// Addresses to contact in this `round`: those of `peers` and of dead members
    /// at which no live member is, at most `most` of them. Later rounds go on
    /// where the earlier ones stopped.
    #[must_use]
    pub fn to_contact(
        &self,
        peers: &BTreeSet<SocketAddr>,
        round: usize,
        most: usize,
    ) -> Vec<SocketAddr> {
        let live: BTreeSet<SocketAddr> = self
            .records
            .iter()
            .filter(|(_, record)| record.alive)
            .map(|(who, _)| who.addr)
            .chain([self.own.addr])
            .collect();
        let known = self.records.keys().map(|who| who.addr);
        let wanted: BTreeSet<SocketAddr> = known.chain(peers.iter().copied()).collect();
        let silent: Vec<SocketAddr> = wanted.difference(&live).copied().collect();
        let start = round.wrapping_mul(most).checked_rem(silent.len());
        let round = silent.iter().cycle().skip(start.unwrap_or_default());
        round.take(most.min(silent.len())).copied().collect()
    }
}

fn member(who: &Incarnation, record: &Record) -> Member {
    Member {
        node: who.node.clone(),
        generation: who.generation,
        addr: who.addr,
        alive: record.alive,
        silent_since: (!record.alive).then_some(record.beat_at),
        state: record.state.clone(),
    }
}

#[cfg(test)]
mod tests;
