//! Kubernetes Events, written behind everything else: they may be late or, in
//! a flood, counted together or dropped, but nothing ever waits for them.
//!
//! kube's `Recorder` is not enough: it has no queue and no rate limit, its
//! `publish` is awaited, and it regards two Events of one reason about one object
//! as the same whatever their notes say.

mod correlator;
mod quiet_period;
mod writer;

use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio::sync::mpsc;

pub use quiet_period::IdleSince;
pub use writer::EventWriter;

/// Events waiting at most.
const BACKLOG: usize = 16_384;

/// What an Event reports.
#[derive(Debug, Clone)]
pub struct EventNote {
    /// The object it is about.
    pub regarding: ObjectReference,
    /// Whether it is of type `Warning` instead of `Normal`.
    pub warning: bool,
    /// Why, in CamelCase, for programs.
    pub reason: &'static str,
    /// What was done or attempted, one word.
    pub action: &'static str,
    /// What happened, for people.
    pub note: String,
}

/// What became of an Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The API server has it, or has counted it.
    Done,
    /// It failed, or it is unknown whether it did.
    Failed,
    /// It was never sent, because there were too many.
    Dropped,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Dropped];

    /// The outcome as a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// Counts the outcome of each Event.
pub type Counter = Arc<dyn Fn(Outcome) + Send + Sync>;

/// The reporting process.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The program.
    pub controller: &'static str,
    /// The process.
    pub instance: String,
}

/// Accepts Events; never waits.
#[derive(Clone)]
pub struct EventSender {
    sender: mpsc::Sender<(EventNote, Timestamp)>,
    count: Counter,
}

/// Both ends of the queue.
#[must_use]
pub fn channel(client: Client, reporter: Reporter, count: Counter) -> (EventSender, EventWriter) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let writer = EventWriter::new(receiver, client, reporter, Arc::clone(&count));
    (EventSender { sender, count }, writer)
}

/// Names an object for an Event. Cluster-wide objects have no namespace.
#[must_use]
pub fn reference(
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    uid: &str,
) -> ObjectReference {
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: namespace.map(str::to_owned),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}

impl EventSender {
    /// Hands over one Event; it bears the time of this call.
    pub fn send(&self, note: EventNote) {
        if self.sender.try_send((note, Timestamp::now())).is_err() {
            (self.count)(Outcome::Dropped);
        }
    }
}
