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

    pub(super) fn step(
        &mut self,
        ip: IpAddr,
        situation: &Situation,
        timing: &Timing,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        self.wait_until = None;
        let holder = situation.rival.as_ref().or(situation.last_owner.as_ref());
        if let Some(holder) = holder {
            self.previous = Some(holder.clone());
        }
        if self.epoch().is_some() {
            self.step_as_owner(ip, situation, now, actions);
        } else {
            self.step_as_heir(ip, situation, timing, now, actions);
        }
    }

    fn step_as_owner(
        &mut self,
        ip: IpAddr,
        situation: &Situation,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        if situation.outranked {
            self.withdraw(ip, situation.rival.clone(), actions);
        } else if !situation.wanted || !situation.reachable {
            self.withdraw(ip, None, actions);
        } else if !situation.fit && !situation.others_fit {
            // Nobody could serve it; while somebody else can, this node goes on
            // answering until the other's claim is seen (make before break).
            self.withdraw(ip, None, actions);
        } else {
            self.keep(ip, situation.rival.is_some(), now, actions);
        }
    }

    fn keep(&mut self, ip: IpAddr, contested: bool, now: Instant, actions: &mut Vec<Action>) {
        let mut announce = contested != self.contested;
        self.contested = contested;
        if let Phase::Doubting { epoch, until } = self.phase {
            if now < until {
                return;
            }
            self.phase = Phase::Owning { epoch };
            announce = true;
        }
        if announce {
            actions.push(Action::Announce { ip });
        }
    }

    fn withdraw(&mut self, ip: IpAddr, to: Option<Node>, actions: &mut Vec<Action>) {
        *self = Self {
            previous: to.clone(),
            ..Self::default()
        };
        actions.push(Action::Withdraw { ip, to });
    }

    fn step_as_heir(
        &mut self,
        ip: IpAddr,
        situation: &Situation,
        timing: &Timing,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let Some(place) = situation.place else {
            self.phase = Phase::Idle;
            self.orphan_since = None;
            return;
        };
        let orphan_since = *self.orphan_since.get_or_insert(now);
        if let Phase::Asking { until, cause } = self.phase {
            if now >= until {
                self.take(ip, cause, situation, actions);
            }
            return;
        }
        let turn = orphan_since + timing.patience * u32::try_from(place).unwrap_or(u32::MAX);
        let start = self.respite_until.map_or(turn, |respite| turn.max(respite));
        if now < start {
            self.wait_until = Some(start);
        } else if situation.rival.is_some() {
            // The holder lives and is seen to give the IP up: nothing to ask.
            self.take(ip, Cause::HandOver, situation, actions);
        } else {
            self.ask(ip, timing, now, actions);
        }
    }

    fn ask(&mut self, ip: IpAddr, timing: &Timing, now: Instant, actions: &mut Vec<Action>) {
        let (cause, time) = match self.previous {
            Some(_) => (Cause::Failover, timing.ask),
            None => (Cause::Fresh, timing.ask_fresh),
        };
        let until = now + time;
        self.phase = Phase::Asking { until, cause };
        actions.push(Action::Ask { ip, until });
    }

    fn take(&mut self, ip: IpAddr, cause: Cause, situation: &Situation, actions: &mut Vec<Action>) {
        let epoch = situation.top_epoch + 1;
        let from = self.previous.clone();
        *self = Self {
            phase: Phase::Owning { epoch },
            contested: situation.rival.is_some(),
            ..Self::default()
        };
        actions.push(Action::TakeOver {
            ip,
            epoch,
            cause,
            from,
        });
    }

    pub(super) fn heard(
        &mut self,
        ip: IpAddr,
        mac: Mac,
        member: bool,
        timing: &Timing,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        if !member {
            actions.push(Action::Conflict { ip, mac });
        }
        match self.phase {
            Phase::Asking { .. } => {
                let respite = if member {
                    timing.respite
                } else {
                    timing.conflict_respite
                };
                self.phase = Phase::Idle;
                self.respite_until = Some(now + respite);
                self.wait_until = self.respite_until;
            }
            // Somebody took it over while this node stood still.
            Phase::Doubting { .. } => self.withdraw(ip, None, actions),
            Phase::Idle | Phase::Owning { .. } => {}
        }
    }

    pub(super) fn doubt(
        &mut self,
        ip: IpAddr,
        timing: &Timing,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let until = now + timing.ask;
        match self.phase {
            Phase::Owning { epoch } | Phase::Doubting { epoch, .. } => {
                self.phase = Phase::Doubting { epoch, until };
                actions.push(Action::Ask { ip, until });
            }
            // Answers may have been missed: ask again from the start.
            Phase::Asking { .. } => self.phase = Phase::Idle,
            Phase::Idle => {}
        }
    }
}
