//! How many probes one and the same has answered. What a log writes here,
//! others may read while the probing goes on.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A count that belongs to one run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: AtomicUsize,
    from: AtomicUsize,
    answered: AtomicUsize,
}

impl Tally {
    /// Counts from zero, and only the answers to probes sent from now on: those
    /// that waited in a queue for an heir are all answered in one moment, and
    /// say nothing of the time after it.
    pub(super) fn begin(&self) {
        self.from
            .store(self.sent.load(Ordering::SeqCst), Ordering::SeqCst);
        self.answered.store(0, Ordering::SeqCst);
    }

    /// How many were answered by whoever answers now.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Notes that so many probes went out by now.
    pub(super) fn note_sent(&self, count: usize) {
        self.sent.store(count, Ordering::SeqCst);
    }

    /// Notes an answer to a probe, and whether another one gave the last.
    pub(super) fn note_answered(&self, number: usize, changed: bool) {
        if changed {
            self.answered.store(0, Ordering::SeqCst);
        }
        if number >= self.from.load(Ordering::SeqCst) {
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }
}
