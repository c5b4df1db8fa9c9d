//! What the gossip plane counts, for the metrics. Plain atomics: written by
//! the transport, read by whoever renders them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a datagram was dropped unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Shorter than an empty sealed message.
    TooShort,
    /// Sealed in a layout this speaker does not know.
    Version,
    /// Sealed with a key this speaker does not have.
    UnknownKey,
    /// Altered on the way, or made by somebody without the key.
    Forged,
    /// Sealed with our key, and still not a gossip message.
    Malformed,
}

impl Refusal {
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
    refused: [AtomicU64; Refusal::ALL.len()],
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

    /// Datagrams received, the refused ones included.
    #[must_use]
    pub fn datagrams_received(&self) -> u64 {
        self.datagrams_received.load(Relaxed)
    }

    /// UDP payload bytes received, the refused ones included.
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

    /// Datagrams refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: Refusal) -> u64 {
        self.refused[reason as usize].load(Relaxed)
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

    pub(super) fn count_refused(&self, reason: Refusal) {
        self.refused[reason as usize].fetch_add(1, Relaxed);
    }
}
