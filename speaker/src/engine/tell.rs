//! What the speaker says about what it does: log lines and counts.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::Engine;
use crate::ownership::{Action, Cause};

/// A conflict that lasts is logged this often.
const COMPLAINT_GAP: Duration = Duration::from_secs(10);

impl Engine {
    /// Counts an action and logs it.
    pub(super) fn note(&mut self, action: &Action, now: Instant) {
        match action {
            Action::TakeOver { cause, from, .. } => {
                self.metrics
                    .takeovers
                    .with_label_values(&[cause.label()])
                    .inc();
                if *cause == Cause::Failover {
                    self.note_failover(from.as_deref(), now);
                }
            }
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

    fn note_failover(&self, from: Option<&str>, now: Instant) {
        self.metrics.verdicts.with_label_values(&["silent"]).inc();
        if let Some(sign) = from.and_then(|from| self.last_sign(from)) {
            let silence = now.saturating_duration_since(sign);
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
            .demand
            .services_of(ip)
            .map(|service| service.key.to_string())
            .collect();
        services.join(",")
    }
}
