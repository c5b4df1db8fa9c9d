//! The watchdog of the responder: a deadline until which it may answer. A speaker
//! that stalled must be mute first: the engine renews the deadline while it runs
//! well, and the responder checks it before each answer. Reads the clock.
//!
//! The clock runs on during suspend, so that a machine that slept wakes up mute.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// A deadline shared by the engine, which renews it, and the responder.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    until: AtomicU64,
    expirations: AtomicU64,
}

impl Watchdog {
    /// Allows answers until `until`, which may be earlier than before: a time in
    /// the past mutes at once. True if the watchdog had expired.
    pub(super) fn renew(&self, until: Instant) -> bool {
        // The clock is read first, so that a stall between the two lines makes
        // the deadline earlier, not later.
        let now = uptime();
        let remaining = until.saturating_duration_since(Instant::now());
        self.set(now, now.saturating_add(nanoseconds(remaining)))
    }

    /// Whether the responder may answer now.
    pub(super) fn allows(&self) -> bool {
        self.allows_at(uptime())
    }

    /// How often the watchdog expired before it was renewed. After a change of
    /// this number, frames that queued up before it are stale.
    pub(super) fn expirations(&self) -> u64 {
        self.expirations.load(Ordering::Acquire)
    }

    fn set(&self, now: u64, until: u64) -> bool {
        let expired = !self.allows_at(now);
        if expired {
            self.expirations.fetch_add(1, Ordering::Release);
        }
        self.until.store(until, Ordering::Release);
        expired
    }

    fn allows_at(&self, now: u64) -> bool {
        now < self.until.load(Ordering::Acquire)
    }
}

/// Nanoseconds since boot, suspend included. Without a clock the maximum: the
/// watchdog is then expired.
fn uptime() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(u64::MAX, |now| nanoseconds(now.into()))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Watchdog;

    #[test]
    fn allows_nothing_before_the_first_renewal() {
        assert!(!Watchdog::default().allows());
    }

    #[test]
    fn allows_until_the_deadline_and_not_at_it() {
        let watchdog = Watchdog::default();
        watchdog.set(100, 200);
        assert!(watchdog.allows_at(199));
        assert!(!watchdog.allows_at(200));
    }

    #[test]
    fn a_renewal_in_time_is_not_an_expiration_but_a_late_one_is() {
        let watchdog = Watchdog::default();
        watchdog.set(100, 200);
        let before = watchdog.expirations();
        assert!(!watchdog.set(150, 250));
        assert_eq!(watchdog.expirations(), before);
        assert!(watchdog.set(250, 350));
        assert_eq!(watchdog.expirations(), before + 1);
    }

    #[test]
    fn can_be_revoked_at_once() {
        let watchdog = Watchdog::default();
        watchdog.renew(Instant::now() + Duration::from_secs(3600));
        assert!(watchdog.allows());
        watchdog.renew(Instant::now());
        assert!(!watchdog.allows());
    }
}
