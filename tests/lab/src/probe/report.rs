//! From what was sent and what came back to the silence a client felt. Pure:
//! all times are distances from the start of the probing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

/// Who answered a probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Responder {
    /// The pod's name.
    pub pod: String,
    /// The name of the pod's node. With `externalTrafficPolicy: Local` this is
    /// also the node through which the probe came in.
    pub node: String,
}

impl Responder {
    /// Reads the workload's line, `pod=POD node=NODE`; nothing if it is another.
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

/// A good answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// When it arrived.
    pub at: Duration,
    /// Who gave it.
    pub by: Arc<Responder>,
}

/// One probe and what became of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was sent.
    pub sent: Duration,
    /// The first good answer to it, if any came.
    pub answer: Option<Answer>,
}

/// What a client felt while probing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The longest time between two good answers; the start and the end of the
    /// probing count as bounds, so that no answer at all is silence throughout.
    pub longest: Duration,
    /// When that time began, from the start of the probing.
    pub began: Duration,
    /// Who gave the last answer before it; nobody if it began with the probing.
    pub before: Option<Responder>,
    /// Who gave the first answer after it; nobody if it lasted to the end.
    pub after: Option<Responder>,
    /// How many probes were sent.
    pub sent: usize,
    /// How many of them were never answered.
    pub lost: usize,
    /// How long the probing lasted.
    pub probed: Duration,
    /// The longest time between two probes: a prober that stood still itself
    /// heard nothing for that long through no fault of others.
    pub stalled: Duration,
}

/// Draws the conclusion. Samples are in the order of sending.
///
/// An answer counts when it arrives, not when its probe was sent: probes that
/// waited in a queue for the new owner were silence until then.
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

/// Where the longest gap begins, and the index of the answer that ends it (one
/// past the last if the end of the probing does). The first of equal gaps.
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
