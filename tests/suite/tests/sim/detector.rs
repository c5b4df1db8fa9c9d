//! When gossip holds a member for dead: chitchat's rule, which compares a
//! silence with the usual gap between beats, and the roster's, which lets no
//! verdict count before three intervals of silence.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const THRESHOLD: f64 = 8.0;
const SAMPLES: usize = 1_000;
const PRIOR_WEIGHT: f64 = 5.0;
const LONGEST_GAP: u32 = 10;
const QUIET_INTERVALS: u32 = 3;

/// The beats of one member as another hears them.
#[derive(Debug)]
pub(crate) struct Detector {
    interval: Duration,
    gaps: VecDeque<f64>,
    sum: f64,
    beat_at: Option<Instant>,
    /// chitchat's verdict.
    pub(crate) live: bool,
    /// What the speaker is shown.
    pub(crate) shown: bool,
}

impl Detector {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            gaps: VecDeque::new(),
            sum: 0.0,
            beat_at: None,
            live: false,
            shown: false,
        }
    }

    /// When the last beat came.
    pub(crate) fn beat_at(&self) -> Option<Instant> {
        self.beat_at
    }

    pub(crate) fn beat(&mut self, now: Instant) {
        if let Some(last) = self.beat_at.replace(now) {
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

    /// chitchat's look at it, once per interval.
    pub(crate) fn judge(&mut self, now: Instant) {
        self.live = self.phi(now).is_some_and(|phi| phi <= THRESHOLD);
        if !self.live {
            self.gaps.clear();
            self.sum = 0.0;
        }
    }

    /// The roster's look at it; true if it is now shown otherwise.
    pub(crate) fn show(&mut self, now: Instant) -> bool {
        let quiet = self.interval * QUIET_INTERVALS;
        let recent = self.beat_at.is_some_and(|at| now - at < quiet);
        let shown = self.live || (self.shown && recent);
        std::mem::replace(&mut self.shown, shown) != shown
    }

    fn phi(&self, now: Instant) -> Option<f64> {
        let elapsed = now - self.beat_at?;
        let count = u32::try_from(self.gaps.len()).ok().filter(|it| *it > 0)?;
        let prior = self.interval.as_secs_f64() / 2.0;
        let mean = (self.sum + PRIOR_WEIGHT * prior) / (f64::from(count) + PRIOR_WEIGHT);
        Some(elapsed.as_secs_f64() / mean)
    }
}
