//! Carries out the reconciler's actions, and shows its numbers.

use std::time::Duration;

use ferrolb_core::key::ObjectKey;

use super::Running;
use crate::reconcile::{Action, Notice, ServiceNotice};

/// The first and the longest pause after a failed write.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

impl Running {
    /// Carries out all actions; those that can wait only while the writer has room.
    pub(super) fn outputs(&mut self) {
        self.carry_out();
        while self.engine.writer.has_spare_capacity() && self.engine.reconciler.reconcile_deferred()
        {
            self.carry_out();
        }
        self.update_idle_since();
        self.show_gauges();
    }

    fn carry_out(&mut self) {
        for action in self.engine.reconciler.take_actions() {
            match action {
                Action::Write(write) => self.engine.writer.push(write),
                Action::NotifyService(notice) => {
                    log(&notice);
                    self.engine.events.service(&notice);
                }
                Action::NotifyConfig(invalid) => {
                    let configured = self.engine.reconciler.is_configured();
                    self.engine.events.config(&invalid, configured);
                }
                Action::NotifyPool(notice) => {
                    let (pool, reason, note) = (&notice.pool, notice.reason, &notice.note);
                    tracing::warn!(pool, reason, note, "pool is filling up");
                    self.engine.events.pool(notice);
                }
                Action::Background(write) => self.engine.background.push(write),
                Action::Retry { key, failures } => self.retry_later(key, failures),
            }
        }
    }

    fn show_gauges(&self) {
        let (metrics, gauges) = (&self.engine.metrics, self.engine.reconciler.gauges());
        let waiting = i64::try_from(gauges.waiting).unwrap_or(i64::MAX);
        metrics.services_waiting.set(waiting);
        metrics.refused(gauges.refused);
        metrics.pools(gauges.usage.into_iter());
    }

    fn retry_later(&self, key: ObjectKey, failures: u32) {
        let delay = retry_delay(failures);
        self.retries.push(Box::pin(async move {
            tokio::time::sleep(delay).await;
            key
        }));
    }

    fn update_idle_since(&self) {
        let idle = self.engine.writer.is_idle();
        self.engine.idle_since.send_if_modified(|since| {
            let turned = since.is_some() != idle;
            if turned {
                *since = idle.then(tokio::time::Instant::now);
            }
            turned
        });
    }
}

fn log(notice: &ServiceNotice) {
    let (service, note) = (&notice.key, &notice.notice);
    match note {
        Notice::Assigned(_) => tracing::info!(%service, %note, "addresses assigned"),
        Notice::Refused(refusal) => {
            tracing::info!(%service, reason = refusal.reason(), %note, "address not assigned");
        }
        Notice::Released(_) => tracing::info!(%service, %note, "address released"),
        Notice::Conflict { .. } => tracing::warn!(%service, %note, "address conflict"),
    }
}

/// Doubles with each failure.
fn retry_delay(failures: u32) -> Duration {
    let (first, longest) = RETRY_DELAY;
    let factor = 1_u32
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_delay;

    #[test]
    fn the_delay_doubles_up_to_a_bound() {
        assert_eq!(retry_delay(1), Duration::from_millis(200));
        assert_eq!(retry_delay(3), Duration::from_millis(800));
        assert_eq!(retry_delay(40), Duration::from_secs(30));
    }
}
