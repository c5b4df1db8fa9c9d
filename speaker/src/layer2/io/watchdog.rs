//! Until when answers may be given. A speaker that stood still must be mute
//! first: the engine extends the deadline while it runs well, the responder
//! looks at it before each answer. Reads the clock; decides nothing else.
//!
//! The clock is the one that runs on during suspend, so that a machine that
//! slept wakes up mute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// A deadline shared by the engine, which extends it, and the responder.
#[derive(Debug, Default)]
pub(super) struct Vouch {
    until: AtomicU64,
    lapses: AtomicU64,
}

impl Vouch {
    /// Answers are given while the clock is before `until`, which may also be
    /// sooner than it was: in the past means mute from now on. True when the
    /// deadline had passed before.
    pub(super) fn extend(&self, until: Instant) -> bool {
        // The clock is read before the rest is measured, so that a stall
        // between the two makes the deadline sooner, not later.
        let now = uptime();
        let rest = until.saturating_duration_since(Instant::now());
        self.set(now, now.saturating_add(nanoseconds(rest)))
    }

    /// Whether an answer may be given now.
    pub(super) fn holds(&self) -> bool {
        self.holds_at(uptime())
    }

    /// How often the deadline passed before it was extended. Whoever sees a
    /// new number must treat what queued up before it as stale.
    pub(super) fn lapses(&self) -> u64 {
        self.lapses.load(Ordering::Acquire)
    }

    fn set(&self, now: u64, until: u64) -> bool {
        let lapsed = !self.holds_at(now);
        if lapsed {
            self.lapses.fetch_add(1, Ordering::Release);
        }
        self.until.store(until, Ordering::Release);
        lapsed
    }

    fn holds_at(&self, now: u64) -> bool {
        now < self.until.load(Ordering::Acquire)
    }
}

/// Nanoseconds since boot, suspend included. Without a clock the end of time:
/// then nothing is vouched for.
fn uptime() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(u64::MAX, |now| nanoseconds(now.into()))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Vouch;

    #[test]
    fn nothing_holds_before_the_first_word() {
        assert!(!Vouch::default().holds());
    }

    #[test]
    fn holds_until_the_deadline_and_not_at_it() {
        let vouch = Vouch::default();
        vouch.set(100, 200);
        assert!(vouch.holds_at(199));
        assert!(!vouch.holds_at(200));
    }

    #[test]
    fn an_extension_in_time_is_no_lapse_and_a_late_one_is() {
        let vouch = Vouch::default();
        vouch.set(100, 200);
        let before = vouch.lapses();
        assert!(!vouch.set(150, 250));
        assert_eq!(vouch.lapses(), before);
        assert!(vouch.set(250, 350));
        assert_eq!(vouch.lapses(), before + 1);
    }

    #[test]
    fn can_be_taken_back_at_once() {
        let vouch = Vouch::default();
        vouch.extend(Instant::now() + Duration::from_secs(3600));
        assert!(vouch.holds());
        vouch.extend(Instant::now());
        assert!(!vouch.holds());
    }
}
