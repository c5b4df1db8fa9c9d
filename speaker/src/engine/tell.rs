//! What the speaker says about what it does: log lines and counts.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::Engine;
use super::carry_out::gauge;
use crate::layer2::agent::Note;
use crate::layer2::election::{Action, Cause};

/// A conflict that lasts is logged this often.
const COMPLAINT_GAP: Duration = Duration::from_secs(10);

impl Engine {
    /// Counts what happened, logs it, and remembers what the cluster is to know.
    pub(super) fn tell(&mut self, note: Note, now: Instant) {
        match note {
            Note::Decided => self.reporter.stale(),
            Note::Action { action, silence } => self.tell_action(&action, silence, now),
            Note::Answered => self.metrics.probes.with_label_values(&["answered"]).inc(),
            Note::Stalled { gap, mute } => self.tell_stall(gap, mute),
            Note::Flapped { mute } => {
                tracing::warn!(
                    "a link lost its carrier for a moment; mute until the wire says that nobody took over"
                );
                self.metrics.mute.inc_by(mute.as_secs_f64());
            }
            Note::Settled { members } => {
                tracing::info!(members, "joined the gossip cluster");
                self.joined = None;
            }
            Note::Surveyed { live, wanted } => {
                self.metrics.members.set(gauge(live));
                self.metrics.desired.set(gauge(wanted));
                self.reporter.stale();
            }
            Note::Missed(node) => {
                self.metrics.suspicions.inc();
                tracing::debug!(node, "missed an answer on the wire");
            }
            Note::Silent(node) => tracing::warn!(
                node,
                "does not answer on the LAN, on which this node is heard"
            ),
            Note::Isolated(isolated) => log_isolation(isolated),
            Note::Links(names) => log_links(&names),
        }
    }

    fn tell_stall(&self, gap: Duration, mute: Duration) {
        tracing::warn!(
            stood_still_ms = gap.as_millis(),
            "this process stood still; mute until the wire says that nobody took over"
        );
        self.metrics.stalls.inc();
        self.metrics.mute.inc_by(mute.as_secs_f64());
    }

    fn tell_action(&mut self, action: &Action, silence: Option<Duration>, now: Instant) {
        match action {
            Action::TakeOver { cause, .. } => self.count_take_over(*cause, silence),
            Action::Withdraw { .. } => self.metrics.withdrawals.inc(),
            Action::Conflict { ip, .. } => {
                self.metrics.conflicts.inc();
                if !self.may_complain(*ip, now) {
                    return;
                }
            }
            Action::Ask { .. } | Action::Announce { .. } => {}
        }
        self.log_action(action);
        self.reporter.heed(action);
    }

    fn count_take_over(&self, cause: Cause, silence: Option<Duration>) {
        let causes = &self.metrics.takeovers;
        causes.with_label_values(&[cause.label()]).inc();
        if cause == Cause::Failover {
            self.metrics.probes.with_label_values(&["silent"]).inc();
        }
        if let Some(silence) = silence {
            self.metrics.failover.observe(silence.as_secs_f64());
        }
    }

    fn may_complain(&mut self, ip: IpAddr, now: Instant) -> bool {
        let last = self.complained.get(&ip);
        let may = last.is_none_or(|last| now - *last >= COMPLAINT_GAP);
        if may {
            self.complained.insert(ip, now);
        }
        may
    }

    fn log_action(&self, action: &Action) {
        match action {
            Action::Ask { ip, .. } => tracing::debug!(%ip, "asking the wire"),
            Action::TakeOver {
                ip,
                epoch,
                cause,
                from,
            } => tracing::info!(
                %ip, epoch, cause = cause.label(), from = from.as_deref().unwrap_or("nobody"),
                services = self.services(*ip), "took over"
            ),
            Action::Announce { ip } => tracing::debug!(%ip, "announcing again"),
            Action::Withdraw {
                ip,
                to: Some(owner),
            } => tracing::info!(
                %ip, owner, services = self.services(*ip), "withdrew; it has another owner"
            ),
            Action::Withdraw { ip, to: None } => tracing::info!(
                %ip, services = self.services(*ip),
                "withdrew; no link, no endpoint or no Service for it, or another answers for it"
            ),
            Action::Conflict { ip, mac } => tracing::warn!(
                %ip, %mac, services = self.services(*ip),
                "a machine that is no speaker claims this IP; give it another address or take the IP out of the pool"
            ),
        }
    }

    pub(super) fn services(&self, ip: IpAddr) -> String {
        let services: Vec<_> = self
            .eligibility
            .services_of(ip)
            .map(|service| service.key.to_string())
            .collect();
        services.join(",")
    }
}

fn log_isolation(isolated: bool) {
    if isolated {
        tracing::warn!("no other speaker answers on the LAN; whoever is heard there may take over");
    } else {
        tracing::info!("heard on the LAN again");
    }
}

fn log_links(names: &[String]) {
    if names.is_empty() {
        tracing::warn!("no link with carrier to announce on");
    } else {
        tracing::info!(links = names.join(","), "links to announce on");
    }
}
