//! Frame counters of the responder. Plain atomics, written by its thread and by
//! senders, read by the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use ferrolb_core::range::Family;

/// A counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Frames by family.
#[derive(Debug, Default)]
pub struct WireCounters {
    /// ARP, for IPv4.
    pub arp: FrameCounters,
    /// Neighbour discovery, for IPv6.
    pub ndp: FrameCounters,
}

impl WireCounters {
    /// The counters of one family.
    #[must_use]
    pub const fn of(&self, family: Family) -> &FrameCounters {
        match family {
            Family::V4 => &self.arp,
            Family::V6 => &self.ndp,
        }
    }
}

/// Frames of one family, by result.
#[derive(Debug, Default)]
pub struct FrameCounters {
    /// Requests or solicitations for an IP owned on the link they came in on.
    pub requests: Counter,
    /// Answers sent.
    pub answers: Counter,
    /// Probes sent, to all or to one host.
    pub probes_sent: Counter,
    /// Gratuitous ARP (requests and replies) or unsolicited advertisements sent.
    pub announcements_sent: Counter,
    /// Requests left unanswered because the watchdog had expired.
    pub dropped_mute: Counter,
    /// Frames that are malformed, or not for this family over Ethernet.
    pub malformed: Counter,
    /// Frames that could not be sent.
    pub send_errors: Counter,
}
