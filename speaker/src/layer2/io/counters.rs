//! What the wire side counts. Plain atomics, written by the responder's
//! thread and by senders; metrics read them. Decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use ferrolb_core::range::Family;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number so far.
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
    /// Those of one family.
    #[must_use]
    pub const fn of(&self, family: Family) -> &FrameCounters {
        match family {
            Family::V4 => &self.arp,
            Family::V6 => &self.ndp,
        }
    }
}

/// Frames of one family by what became of them.
#[derive(Debug, Default)]
pub struct FrameCounters {
    /// Requests or solicitations for an IP owned on the link they came in on.
    pub requests: Counter,
    /// Answers sent.
    pub answers: Counter,
    /// Questions sent that claim nothing, to all or to one station.
    pub probes_sent: Counter,
    /// Gratuitous ARP (requests and replies) or unsolicited advertisements sent.
    pub announcements_sent: Counter,
    /// Requests left unanswered because the watchdog had expired.
    pub dropped_mute: Counter,
    /// Frames that are not sound, or not for this family over Ethernet.
    pub malformed: Counter,
    /// Frames the kernel did not take.
    pub send_errors: Counter,
}
