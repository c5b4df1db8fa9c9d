//! The state machine of one IP on one node.

use std::net::IpAddr;
use std::time::Instant;

use super::{Action, Cause, Epoch, Node, Timing};
use crate::wire::mac::Mac;

/// What matters for one IP at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Situation {
    /// Some Service wants it announced.
    pub(super) wanted: bool,
    /// This node has a link for it that has carrier.
    pub(super) reachable: bool,
    /// This node may announce it.
    pub(super) fit: bool,
    /// Some other live node may announce it.
    pub(super) others_fit: bool,
    /// A live claim beats this node's, or this node has none.
    pub(super) outranked: bool,
    /// The live member with the highest claim besides this node.
    pub(super) rival: Option<Node>,
    /// The dead member that claimed it last.
    pub(super) last_owner: Option<Node>,
    /// This node's place in the line of those who may take it; none while its
    /// holder is fit.
    pub(super) place: Option<usize>,
    /// The highest epoch known for it.
    pub(super) top_epoch: Epoch,
}

/// One look at one IP: when, and what comes of it.
pub(super) struct Turn<'a> {
    ip: IpAddr,
    now: Instant,
    timing: Timing,
    actions: &'a mut Vec<Action>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        ip: IpAddr,
        now: Instant,
        timing: Timing,
        actions: &'a mut Vec<Action>,
    ) -> Self {
        Self {
            ip,
            now,
            timing,
            actions,
        }
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Idle,
    /// The wire is being asked; the verdict falls at `until`.
    Asking { until: Instant, cause: Cause },
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
    /// No asking before this moment: somebody answered on the wire.
    respite_until: Option<Instant>,
    /// Another live node claims it too, with a lower claim.
    contested: bool,
    /// The last other node seen to hold it.
    previous: Option<Node>,
}

impl Entry {
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    pub(super) fn answers(&self) -> bool {
        matches!(self.phase, Phase::Owning { .. })
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        match self.phase {
            Phase::Owning { epoch } | Phase::Doubting { epoch, .. } => Some(epoch),
            Phase::Idle | Phase::Asking { .. } => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Asking { until, .. } | Phase::Doubting { until, .. } => Some(until),
            Phase::Idle => self.wait_until,
            Phase::Owning { .. } => None,
        }
    }

    pub(super) fn step(&mut self, situation: &Situation, turn: &mut Turn<'_>) {
        self.wait_until = None;
        let holder = situation.rival.as_ref().or(situation.last_owner.as_ref());
        if let Some(holder) = holder {
            self.previous = Some(holder.clone());
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

    fn withdraw(&mut self, to: Option<Node>, turn: &mut Turn<'_>) {
        *self = Self {
            previous: to.clone(),
            ..Self::default()
        };
        turn.act(Action::Withdraw { ip: turn.ip, to });
    }

    fn step_as_heir(&mut self, situation: &Situation, turn: &mut Turn<'_>) {
        let Some(place) = situation.place else {
            self.phase = Phase::Idle;
            self.orphan_since = None;
            return;
        };
        let orphan_since = *self.orphan_since.get_or_insert(turn.now);
        if let Phase::Asking { until, cause } = self.phase {
            if turn.now >= until {
                self.take(cause, situation, turn);
            }
            return;
        }
        let places = u32::try_from(place).unwrap_or(u32::MAX);
        let chance = orphan_since + turn.timing.patience * places;
        let start = self
            .respite_until
            .map_or(chance, |respite| chance.max(respite));
        if turn.now < start {
            self.wait_until = Some(start);
        } else if situation.rival.is_some() {
            // The holder lives and is seen to give the IP up: nothing to ask.
            self.take(Cause::HandOver, situation, turn);
        } else {
            self.ask(turn);
        }
    }

    fn ask(&mut self, turn: &mut Turn<'_>) {
        let (cause, time) = match self.previous {
            Some(_) => (Cause::Failover, turn.timing.ask),
            None => (Cause::Fresh, turn.timing.ask_fresh),
        };
        let until = turn.now + time;
        self.phase = Phase::Asking { until, cause };
        turn.act(Action::Ask { ip: turn.ip, until });
    }

    fn take(&mut self, cause: Cause, situation: &Situation, turn: &mut Turn<'_>) {
        let epoch = situation.top_epoch + 1;
        let from = self.previous.clone();
        *self = Self {
            phase: Phase::Owning { epoch },
            contested: situation.rival.is_some(),
            ..Self::default()
        };
        turn.act(Action::TakeOver {
            ip: turn.ip,
            epoch,
            cause,
            from,
        });
    }

    /// Somebody else spoke for the IP; `member` tells whether it was a speaker.
    pub(super) fn heard(&mut self, mac: Mac, member: bool, turn: &mut Turn<'_>) {
        if !member {
            turn.act(Action::Conflict { ip: turn.ip, mac });
        }
        match self.phase {
            Phase::Asking { .. } => {
                let respite = if member {
                    turn.timing.respite
                } else {
                    turn.timing.conflict_respite
                };
                self.phase = Phase::Idle;
                self.respite_until = Some(turn.now + respite);
                self.wait_until = self.respite_until;
            }
            // Somebody took it over while this node stood still.
            Phase::Doubting { .. } => self.withdraw(None, turn),
            Phase::Idle | Phase::Owning { .. } => {}
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
