//! What happened, probe by probe, and the news of who answers now. One log
//! belongs to one thread; it opens no sockets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::report::{Answer, Responder, Sample};
use super::tally::Tally;

/// The record of one run. A probe's number is its place in it.
pub(super) struct Log {
    start: Instant,
    samples: Vec<Sample>,
    known: BTreeSet<Arc<Responder>>,
    last: Option<Arc<Responder>>,
    heard: Sender<Arc<Responder>>,
    tally: Arc<Tally>,
    waiting: usize,
}

impl Log {
    /// An empty record that begins now and tells `heard` each time another one
    /// answers than before, and `tally` of each answer.
    pub(super) fn new(heard: Sender<Arc<Responder>>, tally: Arc<Tally>) -> Self {
        Self {
            start: Instant::now(),
            samples: Vec::new(),
            known: BTreeSet::new(),
            last: None,
            heard,
            tally,
            waiting: 0,
        }
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Notes that a probe goes out now, and gives its number.
    pub(super) fn sent(&mut self) -> usize {
        self.samples.push(Sample {
            sent: self.now(),
            answer: None,
        });
        self.waiting += 1;
        self.tally.note_sent(self.samples.len());
        self.samples.len() - 1
    }

    /// Notes the line that came back for a probe at a time. A second answer
    /// and one to a probe never sent are ignored.
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
        self.tally.note_answered(number, changed);
        if changed {
            // Nobody listens any more when the handle was dropped.
            let _ = self.heard.send(Arc::clone(&by));
            self.last = Some(by);
        }
    }

    /// How many probes are still without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The record, in the order of sending.
    pub(super) fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    /// One value for all answers of one pod.
    fn known(&mut self, by: Responder) -> Arc<Responder> {
        let by = Arc::new(by);
        if let Some(known) = self.known.get(&by) {
            return Arc::clone(known);
        }
        self.known.insert(Arc::clone(&by));
        by
    }
}
