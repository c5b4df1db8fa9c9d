//! What the wire side counts. Plain atomics, written by the responder's
//! thread and by senders; metrics read them. Decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

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

/// Frames by what became of them.
#[derive(Debug, Default)]
pub struct WireCounters {
    /// Requests for an IP owned on the link they came in on.
    pub requests: Counter,
    /// Answers sent.
    pub answers: Counter,
    /// Questions sent (RFC 5227 probes, broadcast or to one station).
    pub probes_sent: Counter,
    /// Gratuitous frames sent, requests and replies.
    pub gratuitous_sent: Counter,
    /// Requests left unanswered because nobody vouched for this speaker.
    pub dropped_mute: Counter,
    /// Frames that are no sound ARP for IPv4 over Ethernet.
    pub malformed: Counter,
    /// Frames the kernel did not take.
    pub send_errors: Counter,
}
