//! Computes the longest outage from the probes and their answers. Pure: all times
//! are relative to the start of the run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

/// The pod that answered a probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Responder {
    /// The pod's name.
    pub pod: String,
    /// The pod's node. With `externalTrafficPolicy: Local` this is also the node
    /// that received the probe.
    pub node: String,
}

impl Responder {
    /// Parses the workload's line, `pod=POD node=NODE`.
    pub fn parse(line: &str) -> Option<Self> {
        let (pod, node) = line.trim_end().strip_prefix("pod=")?.split_once(" node=")?;
        let whole = !pod.is_empty() && !node.is_empty() && !node.contains(char::is_whitespace);
        whole.then(|| Self {
            pod: pod.to_owned(),
            node: node.to_owned(),
        })
    }
}

impl fmt::Display for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.pod, self.node)
    }
}

/// A valid answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// When it arrived.
    pub at: Duration,
    /// The responder.
    pub by: Arc<Responder>,
}

/// One probe and its answer.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was sent.
    pub sent: Duration,
    /// The first valid answer, if any.
    pub answer: Option<Answer>,
}

/// The outage that a client observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The longest time between two valid answers. The start and the end of the run
    /// count as bounds, so that without any answer it is the whole run.
    pub longest: Duration,
    /// When it began.
    pub began: Duration,
    /// The last responder before it; `None` if it began with the run.
    pub before: Option<Responder>,
    /// The first responder after it; `None` if it lasted to the end.
    pub after: Option<Responder>,
    /// Number of probes sent.
    pub sent: usize,
    /// Number of probes without an answer.
    pub lost: usize,
    /// Duration of the run.
    pub probed: Duration,
    /// The longest time between two probes: a stall of the prober itself, which
    /// explains an outage of the same length.
    pub stalled: Duration,
}

/// Computes the result. Samples are in the order of sending.
///
/// An answer counts when it arrives, not when its probe was sent: probes queued for
/// the new owner were unanswered until then.
pub fn silence(samples: &[Sample]) -> Silence {
    let mut answers: Vec<&Answer> = samples.iter().filter_map(|s| s.answer.as_ref()).collect();
    answers.sort_by_key(|answer| answer.at);
    let first = samples.first().map_or(Duration::ZERO, |s| s.sent);
    let last = samples.last().map_or(first, |s| s.sent);
    let end = answers.last().map_or(last, |answer| answer.at.max(last));
    let (from, index) = longest(first, end, &answers);
    let by = |index: Option<usize>| {
        index
            .and_then(|i| answers.get(i))
            .map(|answer| (*answer.by).clone())
    };
    Silence {
        longest: answers
            .get(index)
            .map_or(end, |a| a.at)
            .saturating_sub(from),
        began: from.saturating_sub(first),
        before: by(index.checked_sub(1)),
        after: by(Some(index)),
        sent: samples.len(),
        lost: samples.len() - answers.len(),
        probed: end.saturating_sub(first),
        stalled: stalled(samples),
    }
}

/// The start of the longest gap, and the index of the answer that ends it (one past
/// the last if it lasts to the end). The first of equal gaps.
fn longest(first: Duration, end: Duration, answers: &[&Answer]) -> (Duration, usize) {
    let mut from = first;
    let mut found = (Duration::ZERO, first, 0);
    let ends = answers.iter().map(|answer| answer.at).chain([end]);
    for (index, until) in ends.enumerate() {
        let gap = until.saturating_sub(from);
        if gap > found.0 {
            found = (gap, from, index);
        }
        from = until;
    }
    (found.1, found.2)
}

fn stalled(samples: &[Sample]) -> Duration {
    let gaps = samples
        .windows(2)
        .map(|pair| pair[1].sent.saturating_sub(pair[0].sent));
    gaps.max().unwrap_or(Duration::ZERO)
}

impl Serialize for Silence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        serde_json::json!({
            "longest_ms": ms(self.longest),
            "began_ms": ms(self.began),
            "before": self.before,
            "after": self.after,
            "sent": self.sent,
            "lost": self.lost,
            "probed_ms": ms(self.probed),
            "stalled_ms": ms(self.stalled),
        })
        .serialize(serializer)
    }
}
