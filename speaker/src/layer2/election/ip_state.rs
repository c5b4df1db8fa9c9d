//! The state machine of one IP on one node.

use std::time::{Duration, Instant};

use super::context::{Situation, Turn, Voice};
use super::{Action, Cause, Epoch};
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// A dispute that nobody repeats within this time is over.
const DISPUTE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Idle,
    /// The wire is being asked; the verdict falls at `until`. While it is early
    /// the holder is only missed, and may yet be heard.
    Asking {
        until: Instant,
        cause: Cause,
        early: bool,
    },
    /// Claimed and answered for.
    Owning { epoch: Epoch },
    /// Claimed, but mute until the wire has been asked.
    Doubting { epoch: Epoch, until: Instant },
}

/// One IP as this node sees it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    phase: Phase,
    /// Since when the IP has had no fit holder.
    orphan_since: Option<Instant>,
    /// This node's next chance, while it waits for its turn or leaves a
    /// suspect alone.
    wait_until: Option<Instant>,
    /// When somebody last answered for it on the wire.
    answered_at: Option<Instant>,
    /// Until when it is asked for again, after the first time.
    asked_until: Option<Instant>,
    /// Who held it when it was last asked for, if it was no speaker.
    stranger: Option<Mac>,
    /// When a foreign claim on an owned IP was last answered by announcing it.
    defended_at: Option<Instant>,
    /// When a speaker that gossip does not show was first heard to have it too.
    disputed_at: Option<Instant>,
    /// Another live node claims it too, with a lower claim.
    contested: bool,
    /// The last other node seen to hold it.
    previous: Option<NodeName>,
    /// The highest epoch ever seen: it outlives a claim that was taken back.
    highest: Epoch,
    /// When it was taken from a node that lived, but was not heard on the wire,
    /// and how often in quick succession.
    seized: Option<(Instant, u32)>,
    /// Since when it has been seen with the same live node.
    with: Option<(NodeName, Instant)>,
}

impl Entry {
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    pub(super) fn answers(&self) -> bool {
        matches!(self.phase, Phase::Owning { .. })
    }

    /// How often in quick succession it was taken from nodes that lived, if it
    /// was, not long ago.
    pub(super) fn seized(&self, truce: Duration, now: Instant) -> Option<u32> {
        let (at, times) = self.seized?;
        (now < at + truce).then_some(times)
    }

    /// Questions for it are still of use.
    pub(super) fn asks(&self) -> bool {
        match self.phase {
            Phase::Asking { .. } | Phase::Doubting { .. } => true,
            Phase::Owning { .. } => self.disputed_at.is_some(),
            Phase::Idle => false,
        }
    }

    pub(super) fn stranger(&self) -> Option<Mac> {
        self.stranger
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        match self.phase {
            Phase::Owning { epoch } | Phase::Doubting { epoch, .. } => Some(epoch),
            Phase::Idle | Phase::Asking { .. } => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Asking { early: true, .. } | Phase::Idle => self.wait_until,
            Phase::Asking { until, .. } | Phase::Doubting { until, .. } => Some(until),
            Phase::Owning { .. } => None,
        }
    }

    pub(super) fn step(&mut self, situation: &Situation, turn: &mut Turn<'_>) {
        self.wait_until = None;
        self.highest = self.highest.max(situation.top_epoch);
        let holder = situation.rival.as_ref().or(situation.last_owner.as_ref());
        if let Some(holder) = holder {
            self.previous = Some(holder.clone());
        }
        if self.with.as_ref().map(|(node, _)| node) != situation.rival.as_ref() {
            self.with = situation.rival.clone().map(|node| (node, turn.now));
        }
        if self.epoch().is_some() {
            self.step_as_owner(situation, turn);
        } else {
            self.step_as_heir(situation, turn);
        }
    }

    fn step_as_owner(&mut self, situation: &Situation, turn: &mut Turn<'_>) {
        if situation.outranked {
            self.withdraw(situation.rival.clone(), turn);
        } else if !situation.wanted || !situation.reachable {
            self.withdraw(None, turn);
        } else if !situation.fit && !situation.others_fit {
            // Nobody could serve it; while somebody else can, this node goes on
            // answering until the other's claim is seen (make before break).
            self.withdraw(None, turn);
        } else {
            self.keep(situation.rival.is_some(), turn);
        }
    }

    fn keep(&mut self, contested: bool, turn: &mut Turn<'_>) {
        let mut announce = contested != self.contested;
        self.contested = contested;
        if let Phase::Doubting { epoch, until } = self.phase {
            if turn.now < until {
                return;
            }
            self.phase = Phase::Owning { epoch };
            announce = true;
        }
        if announce {
            turn.act(Action::Announce { ip: turn.ip });
        }
    }

    fn withdraw(&mut self, to: Option<NodeName>, turn: &mut Turn<'_>) {
        *self = Self {
            previous: to.clone(),
            highest: self.highest,
            ..Self::default()
        };
        turn.act(Action::Withdraw { ip: turn.ip, to });
    }

    fn step_as_heir(&mut self, situation: &Situation, turn: &mut Turn<'_>) {
        let Some(place) = situation.place else {
            self.orphan_since = None;
            if !situation.wanted || situation.rival.is_some() {
                self.stranger = None;
            }
            if situation.early {
                self.ask_early(turn);
            } else {
                self.phase = Phase::Idle;
            }
            return;
        };
        if situation.held_by_stranger && place > 0 {
            // Whoever comes first keeps an eye on it.
            self.stranger = None;
        }
        let orphan_since = *self.orphan_since.get_or_insert(turn.now);
        let places = u32::try_from(place).unwrap_or(u32::MAX);
        let chance = orphan_since + turn.timing.patience * places;
        if turn.now < chance {
            // Somebody else comes first, by now.
            self.phase = Phase::Idle;
        }
        if let Phase::Asking { until, cause, .. } = self.phase {
            if turn.now >= until {
                self.take(cause, situation, turn);
            } else {
                self.phase = Phase::Asking {
                    until,
                    cause,
                    early: false,
                };
            }
            return;
        }
        let start = self
            .rest(situation, place, turn)
            .map_or(chance, |rest| rest.max(chance));
        if turn.now < start {
            self.wait_until = Some(start);
        } else if situation.rival.is_some() && !situation.silent {
            // The holder lives and is seen to give the IP up: nothing to ask.
            self.take(Cause::HandOver, situation, turn);
        } else if self.previous.is_none() && turn.timing.ask_fresh.is_zero() {
            self.take(Cause::Fresh, situation, turn);
        } else {
            self.ask(false, turn);
        }
    }

    /// Until when the IP is left alone because somebody has it.
    fn rest(&self, situation: &Situation, place: usize, turn: &Turn<'_>) -> Option<Instant> {
        let timing = turn.timing;
        if situation.held_by_stranger && place > 0 {
            return Some(turn.now + timing.conflict_respite);
        }
        let respite = match self.stranger {
            Some(_) => timing.conflict_respite,
            None if situation.answers => timing.long_respite,
            None => timing.respite,
        };
        self.answered_at.map(|answered| answered + respite)
    }

    /// The holder is missed on the wire: all of its IPs are asked for, so that
    /// no time is lost if it turns out to be gone.
    fn ask_early(&mut self, turn: &mut Turn<'_>) {
        let Phase::Asking { until, .. } = self.phase else {
            return self.ask(true, turn);
        };
        // Asked once, it is ready for the verdict; it goes on asking meanwhile.
        let next = self.asked_until.unwrap_or(until);
        if turn.now < next {
            self.wait_until = Some(next);
            return;
        }
        let next = turn.now + turn.timing.ask;
        (self.asked_until, self.wait_until) = (Some(next), Some(next));
        turn.act(Action::Ask {
            ip: turn.ip,
            until: next,
        });
    }

    fn ask(&mut self, early: bool, turn: &mut Turn<'_>) {
        let (cause, time) = match self.previous {
            Some(_) => (Cause::Failover, turn.timing.ask),
            None => (Cause::Fresh, turn.timing.ask_fresh),
        };
        let until = turn.now + time;
        self.asked_until = None;
        self.phase = Phase::Asking {
            until,
            cause,
            early,
        };
        self.wait_until = early.then_some(until);
        turn.act(Action::Ask { ip: turn.ip, until });
    }

    fn take(&mut self, cause: Cause, situation: &Situation, turn: &mut Turn<'_>) {
        let from = self.previous.clone();
        let since = self.with.as_ref().map(|(_, since)| *since);
        let quick = since.is_some_and(|since| turn.now < since + turn.timing.succession);
        let times = 1 + if quick { situation.seized } else { 0 };
        self.own(cause, from, turn);
        self.contested = situation.rival.is_some();
        self.seized = situation.silent.then_some((turn.now, times));
    }

    /// Takes the IP from a node that holds it by right.
    pub(super) fn pull(&mut self, cause: Cause, from: NodeName, turn: &mut Turn<'_>) {
        self.own(cause, Some(from), turn);
        self.contested = true;
    }

    fn own(&mut self, cause: Cause, from: Option<NodeName>, turn: &mut Turn<'_>) {
        let epoch = self.highest + 1;
        *self = Self {
            phase: Phase::Owning { epoch },
            highest: epoch,
            ..Self::default()
        };
        turn.act(Action::TakeOver {
            ip: turn.ip,
            epoch,
            cause,
            from,
        });
    }

    /// Somebody else spoke for the IP.
    pub(super) fn heard(&mut self, mac: Mac, voice: Voice, turn: &mut Turn<'_>) {
        if voice == Voice::Stranger && !self.is_idle() {
            turn.act(Action::Conflict { ip: turn.ip, mac });
        }
        let stranger = (voice == Voice::Stranger).then_some(mac);
        match self.phase {
            Phase::Asking { early, .. } => {
                self.phase = Phase::Idle;
                self.stranger = stranger;
                if !early || voice == Voice::Stranger {
                    self.answered_at = Some(turn.now);
                    self.wait_until = Some(turn.now + turn.timing.respite);
                }
            }
            // Somebody took it over while this node stood still, and keeps it
            // until gossip has caught up.
            Phase::Doubting { .. } => {
                self.withdraw(None, turn);
                (self.stranger, self.answered_at) = (stranger, Some(turn.now));
            }
            Phase::Owning { .. } => self.heard_as_owner(voice, turn),
            Phase::Idle => {}
        }
    }

    fn heard_as_owner(&mut self, voice: Voice, turn: &mut Turn<'_>) {
        match voice {
            // Gossip settles it.
            Voice::Member => {}
            Voice::Stranger => self.defend(turn),
            Voice::Unseen { node, yields } => {
                let begun = self.disputed_at.filter(|at| turn.now < *at + DISPUTE);
                let Some(begun) = begun else {
                    // It may be an echo of the time before: ask once more.
                    self.disputed_at = Some(turn.now);
                    let until = turn.now + turn.timing.ask;
                    return turn.act(Action::Ask { ip: turn.ip, until });
                };
                let confirmed = turn.now >= begun + turn.timing.ask / 4;
                if confirmed && !yields {
                    self.withdraw(Some(node), turn);
                } else if confirmed {
                    self.defend(turn);
                }
            }
        }
    }

    /// Announces an owned IP that another claims, now and then only (RFC 5227 §2.4).
    fn defend(&mut self, turn: &mut Turn<'_>) {
        let rest = turn.timing.conflict_respite;
        if self.defended_at.is_none_or(|at| turn.now >= at + rest) {
            self.defended_at = Some(turn.now);
            turn.act(Action::Announce { ip: turn.ip });
        }
    }

    pub(super) fn doubt(&mut self, turn: &mut Turn<'_>) {
        let until = turn.now + turn.timing.ask;
        match self.phase {
            Phase::Owning { epoch } | Phase::Doubting { epoch, .. } => {
                self.phase = Phase::Doubting { epoch, until };
                turn.act(Action::Ask { ip: turn.ip, until });
            }
            // Answers may have been missed: ask again from the start.
            Phase::Asking { .. } => self.phase = Phase::Idle,
            Phase::Idle => {}
        }
    }
}
