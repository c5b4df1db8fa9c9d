//! Notices that this process stalled: it was not polled for so long that another
//! node may have taken over its IPs.

use std::time::{Duration, Instant};

/// When the agent was last polled.
#[derive(Debug)]
pub(super) struct StallDetector {
    last_poll: Instant,
    /// A longer gap between polls is a stall.
    limit: Duration,
}

impl StallDetector {
    pub(super) fn new(limit: Duration, now: Instant) -> Self {
        Self {
            last_poll: now,
            limit,
        }
    }

    /// Records a poll; returns the gap before it if that was a stall.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Duration> {
        let gap = now - std::mem::replace(&mut self.last_poll, now);
        (gap > self.limit).then_some(gap)
    }

    /// For how long of a gap the responder did not answer.
    pub(super) fn mute_part(&self, gap: Duration) -> Duration {
        gap.saturating_sub(self.limit)
    }

    /// Until when the responder may answer without another poll.
    pub(super) fn renewed_until(&self) -> Instant {
        self.last_poll + self.limit
    }

    /// When to poll at the latest, so that the responder goes on answering.
    pub(super) fn next_timeout(&self) -> Instant {
        self.last_poll + self.limit / 4
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::StallDetector;

    #[test]
    fn a_gap_over_the_limit_is_a_stall_and_mute_from_the_limit_on() {
        let (limit, now) = (Duration::from_millis(100), Instant::now());
        let mut stall = StallDetector::new(limit, now);
        assert_eq!(stall.poll(now + limit), None);
        let gap = limit + Duration::from_millis(30);
        assert_eq!(stall.poll(now + limit + gap), Some(gap));
        assert_eq!(stall.mute_part(gap), Duration::from_millis(30));
        assert_eq!(stall.renewed_until(), now + limit + gap + limit);
    }
}
