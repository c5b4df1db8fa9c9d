//! The record of a run, probe by probe, with a notification when the responder
//! changes. Used by one thread.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::report::{Answer, Responder, Sample};
use super::tally::Tally;

/// The record of one run. A probe's number is its index in it.
pub(super) struct Log {
    start: Instant,
    samples: Vec<Sample>,
    known: BTreeSet<Arc<Responder>>,
    last: Option<Arc<Responder>>,
    responders: Sender<Arc<Responder>>,
    tally: Arc<Tally>,
    waiting: usize,
}

impl Log {
    /// An empty record that starts now. It sends each new responder to
    /// `responders` and counts answers in `tally`.
    pub(super) fn new(responders: Sender<Arc<Responder>>, tally: Arc<Tally>) -> Self {
        Self {
            start: Instant::now(),
            samples: Vec::new(),
            known: BTreeSet::new(),
            last: None,
            responders,
            tally,
            waiting: 0,
        }
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Records that a probe is sent now, and returns its number.
    pub(super) fn sent(&mut self) -> usize {
        self.samples.push(Sample {
            sent: self.now(),
            answer: None,
        });
        self.waiting += 1;
        self.tally.record_sent(self.samples.len());
        self.samples.len() - 1
    }

    /// Records the line received for a probe. Second answers and answers to unknown
    /// probes are ignored.
    pub(super) fn answered(&mut self, number: usize, at: Duration, line: &str) {
        let Some(by) = Responder::parse(line).map(|by| self.known(by)) else {
            return;
        };
        let Some(sample) = self.samples.get_mut(number).filter(|s| s.answer.is_none()) else {
            return;
        };
        sample.answer = Some(Answer {
            at,
            by: Arc::clone(&by),
        });
        self.waiting -= 1;
        let changed = self.last.as_ref() != Some(&by);
        self.tally.record_answered(number, changed);
        if changed {
            // An error means that the handle was dropped.
            let _ = self.responders.send(Arc::clone(&by));
            self.last = Some(by);
        }
    }

    /// Number of probes without an answer so far.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The record, in the order of sending.
    pub(super) fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    /// The shared value for all answers of one pod.
    fn known(&mut self, by: Responder) -> Arc<Responder> {
        let by = Arc::new(by);
        if let Some(known) = self.known.get(&by) {
            return Arc::clone(known);
        }
        self.known.insert(Arc::clone(&by));
        by
    }
}
