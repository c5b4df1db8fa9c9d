//! The state machine of one IP on one node.

mod history;

use std::time::{Duration, Instant};

use super::context::{ClaimSource, Context, Rival, Situation};
use super::{Action, Cause, Epoch};
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;
use history::History;

/// A dispute is over when the other owner was not seen for this time.
const DISPUTE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Idle,
    /// The IP is being probed; the decision is due at `until`. An early probe is for an
    /// owner that is only suspected, and may still answer.
    Probing {
        until: Instant,
        cause: Cause,
        early: bool,
    },
    /// Claimed and answered for.
    Owning { epoch: Epoch },
    /// Claimed, but not answered for until probes show no other owner.
    Verifying { epoch: Epoch, until: Instant },
}

/// One IP as this node sees it.
#[derive(Debug, Default)]
pub(super) struct IpState {
    phase: Phase,
    candidacy: Candidacy,
    dispute: Dispute,
    history: History,
}

/// The way of this node to an IP that it does not own.
#[derive(Debug, Default)]
struct Candidacy {
    /// Since when the IP has had no eligible owner.
    orphan_since: Option<Instant>,
    /// When this node tries next.
    wait_until: Option<Instant>,
    /// When another host last answered for it.
    answered_at: Option<Instant>,
    /// The end of the current early probe, after the first one.
    probed_until: Option<Instant>,
    /// The foreign host that answered the last probe.
    foreign_mac: Option<Mac>,
}

/// Other claims on an IP that this node owns.
#[derive(Debug, Default)]
struct Dispute {
    /// Another live node claims it too, with a lower claim.
    contested: bool,
    /// When a claim seen on the LAN was last answered with an announcement.
    defended_at: Option<Instant>,
    /// When a speaker that is dead in gossip was first seen to have it too.
    begun_at: Option<Instant>,
}

impl IpState {
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    pub(super) fn answers(&self) -> bool {
        matches!(self.phase, Phase::Owning { .. })
    }

    /// How often in quick succession it was taken by force, if the last time is not
    /// longer ago than `memory`.
    pub(super) fn forced_takeovers(&self, memory: Duration, now: Instant) -> Option<u32> {
        self.history.forced_takeovers(memory, now)
    }

    /// Whether probing it can still change a decision.
    pub(super) fn is_probing(&self) -> bool {
        match self.phase {
            Phase::Probing { .. } | Phase::Verifying { .. } => true,
            Phase::Owning { .. } => self.dispute.begun_at.is_some(),
            Phase::Idle => false,
        }
    }

    pub(super) fn foreign_mac(&self) -> Option<Mac> {
        self.candidacy.foreign_mac
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        match self.phase {
            Phase::Owning { epoch } | Phase::Verifying { epoch, .. } => Some(epoch),
            Phase::Idle | Phase::Probing { .. } => None,
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Probing { early: true, .. } | Phase::Idle => self.candidacy.wait_until,
            Phase::Probing { until, .. } | Phase::Verifying { until, .. } => Some(until),
            Phase::Owning { .. } => None,
        }
    }

    pub(super) fn step(&mut self, situation: &Situation, ctx: &mut Context<'_>) {
        self.candidacy.wait_until = None;
        self.history.record(situation, ctx.now);
        if self.epoch().is_some() {
            self.step_as_owner(situation, ctx);
        } else {
            self.step_as_candidate(situation, ctx);
        }
    }

    fn step_as_owner(&mut self, situation: &Situation, ctx: &mut Context<'_>) {
        let rival = situation.rival.as_ref();
        if let Some(rival) = rival.filter(|rival| rival.outranks) {
            self.withdraw(Some(rival.node.clone()), ctx);
        } else if !situation.desired || !situation.reachable {
            self.withdraw(None, ctx);
        } else if !situation.eligible && !situation.others_eligible {
            // No node can serve it. While another one can, this node goes on answering
            // until the other's claim is seen (make before break).
            self.withdraw(None, ctx);
        } else {
            self.keep(rival.is_some(), ctx);
        }
    }

    fn keep(&mut self, contested: bool, ctx: &mut Context<'_>) {
        let mut announce = contested != self.dispute.contested;
        self.dispute.contested = contested;
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
            history: self.history.after_withdrawal(to.clone()),
            ..Self::default()
        };
        ctx.act(Action::Withdraw { ip: ctx.ip, to });
    }

    fn step_as_candidate(&mut self, situation: &Situation, ctx: &mut Context<'_>) {
        let rival = situation.rival.as_ref();
        let Some(position) = situation.position else {
            self.candidacy.orphan_since = None;
            if !situation.desired || rival.is_some() {
                self.candidacy.foreign_mac = None;
            }
            if rival.is_some_and(|rival| rival.suspected) {
                self.probe_early(ctx);
            } else {
                self.phase = Phase::Idle;
            }
            return;
        };
        if situation.held_by_foreign_host && position > 0 {
            // The first successor watches the foreign host.
            self.candidacy.foreign_mac = None;
        }
        let orphan_since = *self.candidacy.orphan_since.get_or_insert(ctx.now);
        let rank = u32::try_from(position).unwrap_or(u32::MAX);
        let turn = orphan_since + ctx.timing.rank_backoff * rank;
        if ctx.now < turn {
            // By now another node comes first.
            self.phase = Phase::Idle;
        }
        if let Phase::Probing { until, cause, .. } = self.phase {
            if ctx.now >= until {
                self.take(cause, rival, ctx);
            } else {
                let early = false;
                self.phase = Phase::Probing {
                    until,
                    cause,
                    early,
                };
            }
            return;
        }
        let pause = self.pause_until(situation, position, ctx);
        let start = pause.map_or(turn, |pause| pause.max(turn));
        if ctx.now < start {
            self.candidacy.wait_until = Some(start);
        } else if rival.is_some_and(|rival| !rival.failed) {
            // The owner is alive and gives the IP up: there is nothing to probe.
            self.take(Cause::HandOver, rival, ctx);
        } else if self.history.is_fresh() && ctx.timing.initial_probe.is_zero() {
            self.take(Cause::Fresh, rival, ctx);
        } else {
            self.probe(false, ctx);
        }
    }

    /// Until when this node does not try because another host has the IP.
    fn pause_until(
        &self,
        situation: &Situation,
        position: usize,
        ctx: &Context<'_>,
    ) -> Option<Instant> {
        let timing = ctx.timing;
        if situation.held_by_foreign_host && position > 0 {
            return Some(ctx.now + timing.conflict_retry_delay);
        }
        let delay = match self.candidacy.foreign_mac {
            Some(_) => timing.conflict_retry_delay,
            None if situation.last_owner_answers => timing.long_retry_delay,
            None => timing.retry_delay,
        };
        let answered = self.candidacy.answered_at;
        answered.map(|answered| answered + delay)
    }

    /// The owner missed liveness probes: all its IPs are probed now, so that no time is
    /// lost if it turns out to have failed.
    fn probe_early(&mut self, ctx: &mut Context<'_>) {
        let Phase::Probing { until, .. } = self.phase else {
            return self.probe(true, ctx);
        };
        // After the first probe the IP can be taken at once; probing goes on meanwhile.
        let next = self.candidacy.probed_until.unwrap_or(until);
        if ctx.now < next {
            self.candidacy.wait_until = Some(next);
            return;
        }
        let until = ctx.now + ctx.timing.probe_time;
        self.candidacy.probed_until = Some(until);
        self.candidacy.wait_until = Some(until);
        ctx.act(Action::Probe { ip: ctx.ip, until });
    }

    fn probe(&mut self, early: bool, ctx: &mut Context<'_>) {
        let (cause, time) = if self.history.is_fresh() {
            (Cause::Fresh, ctx.timing.initial_probe)
        } else {
            (Cause::Failover, ctx.timing.probe_time)
        };
        let until = ctx.now + time;
        self.candidacy.probed_until = None;
        self.phase = Phase::Probing {
            until,
            cause,
            early,
        };
        self.candidacy.wait_until = early.then_some(until);
        ctx.act(Action::Probe { ip: ctx.ip, until });
    }

    fn take(&mut self, cause: Cause, rival: Option<&Rival>, ctx: &mut Context<'_>) {
        let forced = self
            .history
            .forced_by(rival, ctx.timing.flap_window, ctx.now);
        self.own(cause, self.history.previous(), ctx);
        self.dispute.contested = rival.is_some();
        self.history.set_forced_takeovers(forced);
    }

    /// Takes the IP from an owner that is alive and eligible.
    pub(super) fn preempt(&mut self, cause: Cause, from: NodeName, ctx: &mut Context<'_>) {
        self.own(cause, Some(from), ctx);
        self.dispute.contested = true;
    }

    fn own(&mut self, cause: Cause, from: Option<NodeName>, ctx: &mut Context<'_>) {
        let (epoch, history) = self.history.next_epoch();
        *self = Self {
            phase: Phase::Owning { epoch },
            history,
            ..Self::default()
        };
        ctx.act(Action::TakeOver {
            ip: ctx.ip,
            epoch,
            cause,
            from,
        });
    }

    /// Another host answered for the IP, or announced it.
    pub(super) fn claim_seen(&mut self, mac: Mac, source: ClaimSource, ctx: &mut Context<'_>) {
        let is_foreign = source == ClaimSource::ForeignHost;
        if is_foreign && !self.is_idle() {
            ctx.act(Action::Conflict { ip: ctx.ip, mac });
        }
        match self.phase {
            Phase::Probing { early, .. } => {
                self.phase = Phase::Idle;
                self.candidacy.foreign_mac = is_foreign.then_some(mac);
                if !early || is_foreign {
                    self.candidacy.answered_at = Some(ctx.now);
                    self.candidacy.wait_until = Some(ctx.now + ctx.timing.retry_delay);
                }
            }
            // Another host took it over meanwhile, and keeps it until gossip is up to
            // date.
            Phase::Verifying { .. } => {
                self.withdraw(None, ctx);
                self.candidacy.foreign_mac = is_foreign.then_some(mac);
                self.candidacy.answered_at = Some(ctx.now);
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
                let begun = self.dispute.begun_at;
                let Some(begun) = begun.filter(|at| ctx.now < *at + DISPUTE) else {
                    // It may be a frame sent before this node took over: probe once more.
                    self.dispute.begun_at = Some(ctx.now);
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

    /// Announces an owned IP that another host claims, at a limited rate (RFC 5227 §2.4).
    fn defend(&mut self, ctx: &mut Context<'_>) {
        let gap = ctx.timing.conflict_retry_delay;
        let defended = self.dispute.defended_at;
        if defended.is_none_or(|at| ctx.now >= at + gap) {
            self.dispute.defended_at = Some(ctx.now);
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
            // Answers may have been missed: probe again from the start.
            Phase::Probing { .. } => self.phase = Phase::Idle,
            Phase::Idle => {}
        }
    }
}
