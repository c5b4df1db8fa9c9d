//! Counts the probes answered by the current responder. Written by the log, read
//! by other threads during the run.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The counters of one run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: AtomicUsize,
    from: AtomicUsize,
    answered: AtomicUsize,
}

impl Tally {
    /// Restarts at zero, for answers to probes sent from now on. Earlier probes that
    /// were queued for a new owner are all answered at once and do not count.
    pub(super) fn begin(&self) {
        self.from
            .store(self.sent.load(Ordering::SeqCst), Ordering::SeqCst);
        self.answered.store(0, Ordering::SeqCst);
    }

    /// Number of probes answered by the current responder.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Records the number of probes sent so far.
    pub(super) fn record_sent(&self, count: usize) {
        self.sent.store(count, Ordering::SeqCst);
    }

    /// Records an answer, and whether the responder has changed.
    pub(super) fn record_answered(&self, number: usize, changed: bool) {
        if changed {
            self.answered.store(0, Ordering::SeqCst);
        }
        if number >= self.from.load(Ordering::SeqCst) {
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }
}
