//! When chitchat considers a member dead: it compares a silence with the usual gap
//! between heartbeats.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const THRESHOLD: f64 = 8.0;
const SAMPLES: usize = 1_000;
const PRIOR_WEIGHT: f64 = 5.0;
const LONGEST_GAP: u32 = 10;

/// The heartbeats of one member as another receives them.
#[derive(Debug)]
pub(crate) struct Detector {
    interval: Duration,
    gaps: VecDeque<f64>,
    sum: f64,
    heartbeat_at: Option<Instant>,
    /// chitchat's decision.
    pub(crate) live: bool,
}

impl Detector {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            gaps: VecDeque::new(),
            sum: 0.0,
            heartbeat_at: None,
            live: false,
        }
    }

    pub(crate) fn heartbeat(&mut self, now: Instant) {
        if let Some(last) = self.heartbeat_at.replace(now) {
            let gap = now - last;
            if gap <= self.interval * LONGEST_GAP {
                self.sum += gap.as_secs_f64();
                self.gaps.push_back(gap.as_secs_f64());
            }
            if self.gaps.len() > SAMPLES {
                self.sum -= self.gaps.pop_front().unwrap_or_default();
            }
        }
    }

    /// chitchat's decision, made once per interval.
    pub(crate) fn judge(&mut self, now: Instant) {
        self.live = self.phi(now).is_some_and(|phi| phi <= THRESHOLD);
        if !self.live {
            self.gaps.clear();
            self.sum = 0.0;
        }
    }

    fn phi(&self, now: Instant) -> Option<f64> {
        let elapsed = now - self.heartbeat_at?;
        let count = u32::try_from(self.gaps.len()).ok().filter(|it| *it > 0)?;
        let prior = self.interval.as_secs_f64() / 2.0;
        let mean = (self.sum + PRIOR_WEIGHT * prior) / (f64::from(count) + PRIOR_WEIGHT);
        Some(elapsed.as_secs_f64() / mean)
    }
}
