//! From what chitchat holds to what the speaker is shown: which start of each
//! node counts, who is alive, and whom to greet. Pure: time is passed in.
//!
//! Two rules are added to chitchat's verdicts.
//!
//! **A silence must be long in absolute terms.** chitchat calls a member dead
//! when it is silent for eight times the usual gap between its beats. Every
//! message carries a beat, so a burst of pushed messages shrinks that usual gap
//! for a while, and an ordinary pause would look like death. Nobody who was
//! alive is shown dead before its last beat is `quiet` old.
//!
//! **One start of a node counts**: of those alive the one with the highest
//! generation, and only if none is alive, of the dead likewise. So a restarted
//! speaker replaces its former self as soon as it is heard; if its clock has
//! gone back it does so when the former self is found dead; and if two processes
//! speak for one node (which the fixed gossip port prevents on one machine), all
//! members follow the same one. For the speaker's own node its own start counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::view::{Member, View};

/// One start of one node's speaker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Incarnation {
    /// The node's name.
    pub(super) node: String,
    /// The number of the start.
    pub(super) generation: u64,
    /// Where it receives gossip.
    pub(super) addr: SocketAddr,
}

/// Changes whenever a key is set or deleted: the version up to which deletions
/// are forgotten, and the version of the newest change.
pub(super) type Version = (u64, u64);

/// What chitchat holds about one incarnation at one moment.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) who: Incarnation,
    /// Its heartbeat counter.
    pub(super) beat: u64,
    pub(super) version: Version,
    /// chitchat's own verdict.
    pub(super) alive: bool,
    /// Its keys; left out where the roster knows this version.
    pub(super) state: Option<BTreeMap<String, String>>,
}

#[derive(Debug)]
struct Seen {
    beat: u64,
    beat_at: Instant,
    version: Version,
    alive: bool,
    state: BTreeMap<String, String>,
}

/// What is known of every incarnation. Owned by the keeper.
#[derive(Debug)]
pub(super) struct Roster {
    own: Incarnation,
    quiet: Duration,
    seen: BTreeMap<Incarnation, Seen>,
}

impl Roster {
    pub(super) fn new(own: Incarnation, quiet: Duration) -> Self {
        Self {
            own,
            quiet,
            seen: BTreeMap::new(),
        }
    }

    /// The version of `who` this roster holds the keys of.
    pub(super) fn version(&self, who: &Incarnation) -> Option<Version> {
        self.seen.get(who).map(|seen| seen.version)
    }

    /// Takes in all that chitchat holds at `now`. Returns the new view if it
    /// differs from the one before.
    pub(super) fn update(&mut self, sightings: Vec<Sighting>, now: Instant) -> Option<View> {
        let present: BTreeSet<Incarnation> = sightings.iter().map(|s| s.who.clone()).collect();
        let before = self.seen.len();
        self.seen.retain(|who, _| present.contains(who));
        let mut changed = before != self.seen.len();
        for sighting in sightings {
            changed |= self.note(sighting, now);
        }
        changed.then(|| self.view())
    }

    fn note(&mut self, sighting: Sighting, now: Instant) -> bool {
        let own = sighting.who == self.own;
        let Some(seen) = self.seen.get_mut(&sighting.who) else {
            let seen = Seen {
                beat: sighting.beat,
                beat_at: now,
                version: sighting.version,
                alive: own || sighting.alive,
                state: sighting.state.unwrap_or_default(),
            };
            self.seen.insert(sighting.who, seen);
            return true;
        };
        if seen.beat != sighting.beat {
            (seen.beat, seen.beat_at) = (sighting.beat, now);
        }
        let recent = now.saturating_duration_since(seen.beat_at) < self.quiet;
        let alive = own || sighting.alive || (seen.alive && recent);
        let mut changed = alive != seen.alive;
        seen.alive = alive;
        if let Some(state) = sighting.state {
            changed |= state != seen.state;
            (seen.version, seen.state) = (sighting.version, state);
        }
        changed
    }

    fn view(&self) -> View {
        let mut members = BTreeMap::new();
        for who in self.shown().into_values() {
            if let Some(seen) = self.seen.get(who) {
                members.insert(who.node.clone(), member(who, seen));
            }
        }
        View { members }
    }

    fn shown(&self) -> BTreeMap<&str, &Incarnation> {
        let mut best: BTreeMap<&str, ((bool, bool, u64), &Incarnation)> = BTreeMap::new();
        for (who, seen) in &self.seen {
            let merit = (who == &self.own, seen.alive, who.generation);
            let held = best.entry(&who.node).or_insert((merit, who));
            if merit > held.0 {
                *held = (merit, who);
            }
        }
        best.into_iter()
            .map(|(node, (_, who))| (node, who))
            .collect()
    }

    /// Whom to greet in this `round`: addresses of `peers` and of the dead
    /// where no living member is heard, at most `most` of them. Later rounds
    /// go on where the earlier ones stopped.
    pub(super) fn unheard(
        &self,
        peers: &BTreeSet<SocketAddr>,
        round: usize,
        most: usize,
    ) -> Vec<SocketAddr> {
        let heard: BTreeSet<SocketAddr> = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.alive)
            .map(|(who, _)| who.addr)
            .chain([self.own.addr])
            .collect();
        let known = self.seen.keys().map(|who| who.addr);
        let wanted: BTreeSet<SocketAddr> = known.chain(peers.iter().copied()).collect();
        let unheard: Vec<SocketAddr> = wanted.difference(&heard).copied().collect();
        let start = round.wrapping_mul(most).checked_rem(unheard.len());
        let turn = unheard.iter().cycle().skip(start.unwrap_or_default());
        turn.take(most.min(unheard.len())).copied().collect()
    }
}

fn member(who: &Incarnation, seen: &Seen) -> Member {
    Member {
        node: who.node.clone(),
        generation: who.generation,
        addr: who.addr,
        alive: seen.alive,
        silent_since: (!seen.alive).then_some(seen.beat_at),
        state: seen.state.clone(),
    }
}

#[cfg(test)]
mod tests;
