//! Counters of the gossip transport, for the metrics. Plain atomics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a datagram was dropped unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Shorter than an empty sealed message.
    TooShort,
    /// Sealed in an unknown layout.
    Version,
    /// Sealed with a key that is not on the ring.
    UnknownKey,
    /// Altered in transit, or made without the key.
    Forged,
    /// Sealed with our key, but not a gossip message.
    Malformed,
}

impl DropReason {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 5] = [
        Self::TooShort,
        Self::Version,
        Self::UnknownKey,
        Self::Forged,
        Self::Malformed,
    ];

    /// The reason as a metric label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::Version => "version",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::Malformed => "malformed",
        }
    }
}

/// Counts since the speaker started.
#[derive(Debug, Default)]
pub struct GossipCounters {
    datagrams_sent: AtomicU64,
    bytes_sent: AtomicU64,
    datagrams_received: AtomicU64,
    bytes_received: AtomicU64,
    send_errors: AtomicU64,
    receive_errors: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
}

impl GossipCounters {
    /// Datagrams handed to the kernel.
    #[must_use]
    pub fn datagrams_sent(&self) -> u64 {
        self.datagrams_sent.load(Relaxed)
    }

    /// UDP payload bytes handed to the kernel.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Relaxed)
    }

    /// Datagrams received, dropped ones included.
    #[must_use]
    pub fn datagrams_received(&self) -> u64 {
        self.datagrams_received.load(Relaxed)
    }

    /// UDP payload bytes received, dropped ones included.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received.load(Relaxed)
    }

    /// Datagrams that could not be sent.
    #[must_use]
    pub fn send_errors(&self) -> u64 {
        self.send_errors.load(Relaxed)
    }

    /// Errors while receiving.
    #[must_use]
    pub fn receive_errors(&self) -> u64 {
        self.receive_errors.load(Relaxed)
    }

    /// Datagrams dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize].load(Relaxed)
    }

    pub(super) fn count_sent(&self, bytes: usize) {
        self.datagrams_sent.fetch_add(1, Relaxed);
        self.bytes_sent.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn count_received(&self, bytes: usize) {
        self.datagrams_received.fetch_add(1, Relaxed);
        self.bytes_received.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn count_send_error(&self) {
        self.send_errors.fetch_add(1, Relaxed);
    }

    pub(super) fn count_receive_error(&self) {
        self.receive_errors.fetch_add(1, Relaxed);
    }

    pub(super) fn count_dropped(&self, reason: DropReason) {
        self.dropped[reason as usize].fetch_add(1, Relaxed);
    }
}
