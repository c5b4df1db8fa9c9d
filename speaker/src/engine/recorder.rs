//! The metrics and log lines of what the agent did and noticed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::layer2::agent::Note;
use crate::layer2::election::{Action, Cause};
use crate::metrics::{ProbeResult, SpeakerMetrics};

/// A lasting conflict is logged this often.
const CONFLICT_LOG_GAP: Duration = Duration::from_secs(10);

/// Counts and logs.
pub(super) struct Recorder {
    pub(super) metrics: SpeakerMetrics,
    /// When a conflict on an IP was last logged.
    conflicts_logged: BTreeMap<IpAddr, Instant>,
}

impl Recorder {
    /// Counts with these metrics.
    pub(super) const fn new(metrics: SpeakerMetrics) -> Self {
        Self {
            metrics,
            conflicts_logged: BTreeMap::new(),
        }
    }

    /// Counts and logs everything but actions.
    pub(super) fn note(&self, note: &Note) {
        match note {
            Note::Decided | Note::Action { .. } => {}
            Note::ProbeAnswered => self.count_probe(ProbeResult::Answered),
            Note::Stalled { gap, mute } => {
                tracing::warn!(
                    stalled_ms = gap.as_millis(),
                    "process stalled; not answering until probes show no other owner"
                );
                self.metrics.stalls.inc();
                self.metrics.mute.inc_by(mute.as_secs_f64());
            }
            Note::CarrierFlapped { mute } => {
                tracing::warn!(
                    "a link lost its carrier briefly; not answering until probes show no other owner"
                );
                self.metrics.mute.inc_by(mute.as_secs_f64());
            }
            Note::Settled { members } => tracing::info!(members, "joined the gossip cluster"),
            Note::SnapshotTaken { live, desired } => {
                self.metrics.members.set(gauge(*live));
                self.metrics.desired.set(gauge(*desired));
            }
            Note::ProbeMissed(node) => {
                self.metrics.suspicions.inc();
                tracing::debug!(node, "owner missed a liveness probe");
            }
            Note::OwnerFailed(node) => tracing::warn!(
                node,
                "owner stopped answering probes although this node's link works"
            ),
            Note::Isolated(isolated) => log_isolation(*isolated),
            Note::LinksChanged(names) => log_links(names),
        }
    }

    /// Counts and logs an action. False for a conflict that was logged a moment
    /// ago and needs no report.
    pub(super) fn action(
        &mut self,
        action: &Action,
        silence: Option<Duration>,
        services: impl Fn(IpAddr) -> String,
        now: Instant,
    ) -> bool {
        match action {
            Action::TakeOver { cause, .. } => self.count_takeover(*cause, silence),
            Action::Withdraw { .. } => self.metrics.ownership.withdrawals.inc(),
            Action::Conflict { ip, .. } => {
                self.metrics.conflicts.inc();
                if self.is_rate_limited(*ip, now) {
                    return false;
                }
            }
            Action::Probe { .. } | Action::Announce { .. } => {}
        }
        log_action(action, services);
        true
    }

    fn count_takeover(&self, cause: Cause, silence: Option<Duration>) {
        let takeovers = &self.metrics.ownership.takeovers;
        takeovers.with_label_values(&[cause.label()]).inc();
        if cause == Cause::Failover {
            self.count_probe(ProbeResult::Silent);
        }
        if let Some(silence) = silence {
            self.metrics
                .ownership
                .failover
                .observe(silence.as_secs_f64());
        }
    }

    fn count_probe(&self, result: ProbeResult) {
        let probes = &self.metrics.ownership.probes;
        probes.with_label_values(&[result.label()]).inc();
    }

    fn is_rate_limited(&mut self, ip: IpAddr, now: Instant) -> bool {
        let last = self.conflicts_logged.get(&ip);
        let limited = last.is_some_and(|last| now - *last < CONFLICT_LOG_GAP);
        if !limited {
            self.conflicts_logged.insert(ip, now);
        }
        limited
    }
}

/// A count as a gauge has it.
pub(super) fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn log_action(action: &Action, services: impl Fn(IpAddr) -> String) {
    match action {
        Action::Probe { ip, .. } => tracing::debug!(%ip, "probing"),
        Action::TakeOver {
            ip,
            epoch,
            cause,
            from,
        } => tracing::info!(
            %ip, epoch, cause = cause.label(), from = from.as_deref(),
            services = services(*ip), "took over IP"
        ),
        Action::Announce { ip } => tracing::debug!(%ip, "announcing again"),
        Action::Withdraw {
            ip,
            to: Some(owner),
        } => tracing::info!(
            %ip, owner, services = services(*ip), "withdrew IP: another node owns it"
        ),
        Action::Withdraw { ip, to: None } => tracing::info!(
            %ip, services = services(*ip),
            "withdrew IP: no Service, endpoint or suitable link for it, or another host uses it"
        ),
        Action::Conflict { ip, mac } => tracing::warn!(
            %ip, %mac, services = services(*ip),
            "another host claims this IP; change that host's address or remove the IP from its pool"
        ),
    }
}

fn log_isolation(isolated: bool) {
    if isolated {
        tracing::warn!(
            "no other speaker answers this node on the LAN; another node may take over its IPs"
        );
    } else {
        tracing::info!("other speakers answer this node on the LAN again");
    }
}

fn log_links(names: &[String]) {
    if names.is_empty() {
        tracing::warn!("no suitable link with carrier; this node cannot announce");
    } else {
        tracing::info!(links = names.join(","), "links to announce on");
    }
}
