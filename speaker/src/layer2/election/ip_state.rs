//! The state machine of one IP on one node.

use std::time::{Duration, Instant};

use super::context::{ClaimSource, Context, Situation};
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
    Probing {
        until: Instant,
        cause: Cause,
        early: bool,
    },
    /// Claimed and answered for.
    Owning { epoch: Epoch },
    /// Claimed, but mute until the wire has been asked.
    Verifying { epoch: Epoch, until: Instant },
}

/// One IP as this node sees it.
#[derive(Debug, Default)]
pub(super) struct IpState {
    phase: Phase,
    /// Since when the IP has had no fit holder.
    orphan_since: Option<Instant>,
    /// This node's next chance, while it waits for its turn or leaves a
    /// suspect alone.
    wait_until: Option<Instant>,
    /// When somebody last answered for it on the wire.
    answered_at: Option<Instant>,
    /// Until when it is asked for again, after the first time.
    probed_until: Option<Instant>,
    /// Who held it when it was last asked for, if it was no speaker.
    foreign_mac: Option<Mac>,
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
    forced_takeovers: Option<(Instant, u32)>,
    /// Since when it has been seen with the same live node.
    with: Option<(NodeName, Instant)>,
}

impl IpState {
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    pub(super) fn answers(&self) -> bool {
        matches!(self.phase, Phase::Owning { .. })
    }

    /// How often in quick succession it was taken from nodes that lived, if it
    /// was, not long ago.
    pub(super) fn forced_takeovers(&self, suppress_time: Duration, now: Instant) -> Option<u32> {
        let (at, times) = self.forced_takeovers?;
        (now < at + suppress_time).then_some(times)
    }

    /// Questions for it are still of use.
    pub(super) fn is_probing(&self) -> bool {
        match self.phase {
            Phase::Probing { .. } | Phase::Verifying { .. } => true,
            Phase::Owning { .. } => self.disputed_at.is_some(),
            Phase::Idle => false,
        }
    }

    pub(super) fn foreign_mac(&self) -> Option<Mac> {
        self.foreign_mac
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        match self.phase {
            Phase::Owning { epoch } | Phase::Verifying { epoch, .. } => Some(epoch),
            Phase::Idle | Phase::Probing { .. } => None,
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Probing { early: true, .. } | Phase::Idle => self.wait_until,
            Phase::Probing { until, .. } | Phase::Verifying { until, .. } => Some(until),
            Phase::Owning { .. } => None,
        }
    }

    pub(super) fn step(&mut self, situation: &Situation, ctx: &mut Context<'_>) {
        self.wait_until = None;
        self.highest = self.highest.max(situation.top_epoch);
        let holder = situation.rival.as_ref().or(situation.last_owner.as_ref());
        if let Some(holder) = holder {
            self.previous = Some(holder.clone());
        }
        if self.with.as_ref().map(|(node, _)| node) != situation.rival.as_ref() {
            self.with = situation.rival.clone().map(|node| (node, ctx.now));
        }
        if self.epoch().is_some() {
            self.step_as_owner(situation, ctx);
        } else {
            self.step_as_candidate(situation, ctx);
        }
    }

    fn step_as_owner(&mut self, situation: &Situation, ctx: &mut Context<'_>) {
        if situation.outranked {
            self.withdraw(situation.rival.clone(), ctx);
        } else if !situation.desired || !situation.reachable {
            self.withdraw(None, ctx);
        } else if !situation.eligible && !situation.others_eligible {
            // Nobody could serve it; while somebody else can, this node goes on
            // answering until the other's claim is seen (make before break).
            self.withdraw(None, ctx);
        } else {
            self.keep(situation.rival.is_some(), ctx);
        }
    }

    fn keep(&mut self, contested: bool, ctx: &mut Context<'_>) {
        let mut announce = contested != self.contested;
        self.contested = contested;
        if let Phase::Verifying { epoch, until } = self.phase {
            if ctx.now < until {
                return;
            }
            self.phase = Phase::Owning { epoch };
            announce = true;
        }
        if announce {
            ctx.act(Action::Announce { ip: ctx.ip });
        }
    }

    fn withdraw(&mut self, to: Option<NodeName>, ctx: &mut Context<'_>) {
        *self = Self {
            previous: to.clone(),
            highest: self.highest,
            ..Self::default()
        };
        ctx.act(Action::Withdraw { ip: ctx.ip, to });
    }

    fn step_as_candidate(&mut self, situation: &Situation, ctx: &mut Context<'_>) {
        let Some(position) = situation.position else {
            self.orphan_since = None;
            if !situation.desired || situation.rival.is_some() {
                self.foreign_mac = None;
            }
            if situation.early {
                self.probe_early(ctx);
            } else {
                self.phase = Phase::Idle;
            }
            return;
        };
        if situation.held_by_foreign_host && position > 0 {
            // Whoever comes first keeps an eye on it.
            self.foreign_mac = None;
        }
        let orphan_since = *self.orphan_since.get_or_insert(ctx.now);
        let places = u32::try_from(position).unwrap_or(u32::MAX);
        let chance = orphan_since + ctx.timing.rank_backoff * places;
        if ctx.now < chance {
            // Somebody else comes first, by now.
            self.phase = Phase::Idle;
        }
        if let Phase::Probing { until, cause, .. } = self.phase {
            if ctx.now >= until {
                self.take(cause, situation, ctx);
            } else {
                self.phase = Phase::Probing {
                    until,
                    cause,
                    early: false,
                };
            }
            return;
        }
        let start = self
            .rest(situation, position, ctx)
            .map_or(chance, |rest| rest.max(chance));
        if ctx.now < start {
            self.wait_until = Some(start);
        } else if situation.rival.is_some() && !situation.silent {
            // The holder lives and is seen to give the IP up: nothing to ask.
            self.take(Cause::HandOver, situation, ctx);
        } else if self.previous.is_none() && ctx.timing.initial_probe.is_zero() {
            self.take(Cause::Fresh, situation, ctx);
        } else {
            self.probe(false, ctx);
        }
    }

    /// Until when the IP is left alone because somebody has it.
    fn rest(&self, situation: &Situation, position: usize, ctx: &Context<'_>) -> Option<Instant> {
        let timing = ctx.timing;
        if situation.held_by_foreign_host && position > 0 {
            return Some(ctx.now + timing.conflict_retry_delay);
        }
        let retry_delay = match self.foreign_mac {
            Some(_) => timing.conflict_retry_delay,
            None if situation.answers => timing.long_retry_delay,
            None => timing.retry_delay,
        };
        self.answered_at.map(|answered| answered + retry_delay)
    }

    /// The holder is missed on the wire: all of its IPs are asked for, so that
    /// no time is lost if it turns out to be gone.
    fn probe_early(&mut self, ctx: &mut Context<'_>) {
        let Phase::Probing { until, .. } = self.phase else {
            return self.probe(true, ctx);
        };
        // Asked once, it is ready for the verdict; it goes on asking meanwhile.
        let next = self.probed_until.unwrap_or(until);
        if ctx.now < next {
            self.wait_until = Some(next);
            return;
        }
        let next = ctx.now + ctx.timing.probe_time;
        (self.probed_until, self.wait_until) = (Some(next), Some(next));
        ctx.act(Action::Probe {
            ip: ctx.ip,
            until: next,
        });
    }

    fn probe(&mut self, early: bool, ctx: &mut Context<'_>) {
        let (cause, time) = match self.previous {
            Some(_) => (Cause::Failover, ctx.timing.probe_time),
            None => (Cause::Fresh, ctx.timing.initial_probe),
        };
        let until = ctx.now + time;
        self.probed_until = None;
        self.phase = Phase::Probing {
            until,
            cause,
            early,
        };
        self.wait_until = early.then_some(until);
        ctx.act(Action::Probe { ip: ctx.ip, until });
    }

    fn take(&mut self, cause: Cause, situation: &Situation, ctx: &mut Context<'_>) {
        let from = self.previous.clone();
        let since = self.with.as_ref().map(|(_, since)| *since);
        let quick = since.is_some_and(|since| ctx.now < since + ctx.timing.flap_window);
        let times = 1 + if quick { situation.forced_takeovers } else { 0 };
        self.own(cause, from, ctx);
        self.contested = situation.rival.is_some();
        self.forced_takeovers = situation.silent.then_some((ctx.now, times));
    }

    /// Takes the IP from a node that holds it by right.
    pub(super) fn preempt(&mut self, cause: Cause, from: NodeName, ctx: &mut Context<'_>) {
        self.own(cause, Some(from), ctx);
        self.contested = true;
    }

    fn own(&mut self, cause: Cause, from: Option<NodeName>, ctx: &mut Context<'_>) {
        let epoch = self.highest + 1;
        *self = Self {
            phase: Phase::Owning { epoch },
            highest: epoch,
            ..Self::default()
        };
        ctx.act(Action::TakeOver {
            ip: ctx.ip,
            epoch,
            cause,
            from,
        });
    }

    /// Somebody else spoke for the IP.
    pub(super) fn claim_seen(&mut self, mac: Mac, source: ClaimSource, ctx: &mut Context<'_>) {
        if source == ClaimSource::ForeignHost && !self.is_idle() {
            ctx.act(Action::Conflict { ip: ctx.ip, mac });
        }
        let foreign_mac = (source == ClaimSource::ForeignHost).then_some(mac);
        match self.phase {
            Phase::Probing { early, .. } => {
                self.phase = Phase::Idle;
                self.foreign_mac = foreign_mac;
                if !early || source == ClaimSource::ForeignHost {
                    self.answered_at = Some(ctx.now);
                    self.wait_until = Some(ctx.now + ctx.timing.retry_delay);
                }
            }
            // Somebody took it over while this node stood still, and keeps it
            // until gossip has caught up.
            Phase::Verifying { .. } => {
                self.withdraw(None, ctx);
                (self.foreign_mac, self.answered_at) = (foreign_mac, Some(ctx.now));
            }
            Phase::Owning { .. } => self.claim_seen_as_owner(source, ctx),
            Phase::Idle => {}
        }
    }

    fn claim_seen_as_owner(&mut self, source: ClaimSource, ctx: &mut Context<'_>) {
        match source {
            // Gossip settles it.
            ClaimSource::Member => {}
            ClaimSource::ForeignHost => self.defend(ctx),
            ClaimSource::DeadMember { node, yields } => {
                let begun = self.disputed_at.filter(|at| ctx.now < *at + DISPUTE);
                let Some(begun) = begun else {
                    // It may be an echo of the time before: ask once more.
                    self.disputed_at = Some(ctx.now);
                    let until = ctx.now + ctx.timing.probe_time;
                    return ctx.act(Action::Probe { ip: ctx.ip, until });
                };
                let confirmed = ctx.now >= begun + ctx.timing.probe_time / 4;
                if confirmed && !yields {
                    self.withdraw(Some(node), ctx);
                } else if confirmed {
                    self.defend(ctx);
                }
            }
        }
    }

    /// Announces an owned IP that another claims, now and then only (RFC 5227 §2.4).
    fn defend(&mut self, ctx: &mut Context<'_>) {
        let rest = ctx.timing.conflict_retry_delay;
        if self.defended_at.is_none_or(|at| ctx.now >= at + rest) {
            self.defended_at = Some(ctx.now);
            ctx.act(Action::Announce { ip: ctx.ip });
        }
    }

    pub(super) fn verify(&mut self, ctx: &mut Context<'_>) {
        let until = ctx.now + ctx.timing.probe_time;
        match self.phase {
            Phase::Owning { epoch } | Phase::Verifying { epoch, .. } => {
                self.phase = Phase::Verifying { epoch, until };
                ctx.act(Action::Probe { ip: ctx.ip, until });
            }
            // Answers may have been missed: ask again from the start.
            Phase::Probing { .. } => self.phase = Phase::Idle,
            Phase::Idle => {}
        }
    }
}
