//! Kubernetes Events, written behind everything else: they may be late or, in
//! a flood, counted together or dropped, but nothing ever waits for them.

mod digest;
mod lull;

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use digest::{Digest, Saying, Verdict};
use ferrolb_core::text::Chain;
pub use lull::IdleSince;

/// Events waiting at most.
const BACKLOG: usize = 16_384;

/// The longest an Event waits for a lull.
const LATEST: Duration = Duration::from_secs(60);

/// The longest one attempt is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gap between attempts while the API server cannot be reached, and how many:
/// some minutes, after which an Event is old news.
const RETRY: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 150;

/// The longest note the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Where Events about objects that are in no namespace are kept.
const DEFAULT_NAMESPACE: &str = "default";

/// One Event to be.
#[derive(Debug, Clone)]
pub struct News {
    /// The object it is about.
    pub regarding: ObjectReference,
    /// Something is not as it should be.
    pub warning: bool,
    /// One word in camel case, for programs.
    pub reason: &'static str,
    /// What was done or tried, one word.
    pub action: &'static str,
    /// What happened, for people.
    pub note: String,
}

/// What became of an Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The API server has it, or has counted it.
    Done,
    /// It failed, or nobody knows whether it did.
    Failed,
    /// It was never sent, because too many were.
    Dropped,
}

impl Outcome {
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

/// Told of each Event's outcome, to count it.
pub type Counter = Arc<dyn Fn(Outcome) + Send + Sync>;

/// Who reports.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The program.
    pub controller: &'static str,
    /// This process of it.
    pub instance: String,
}

/// Where news goes in; never waits.
#[derive(Clone)]
pub struct EventSender {
    sender: mpsc::Sender<(News, Timestamp)>,
    count: Counter,
}

/// Where news comes out and is written.
pub struct EventWriter {
    receiver: mpsc::Receiver<(News, Timestamp)>,
    client: Client,
    reporter: Reporter,
    count: Counter,
    digest: Digest,
    idle_since: Option<IdleSince>,
}

/// Both ends.
#[must_use]
pub fn channel(client: Client, reporter: Reporter, count: Counter) -> (EventSender, EventWriter) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let writer = EventWriter {
        receiver,
        client,
        reporter,
        count: Arc::clone(&count),
        digest: Digest::default(),
        idle_since: None,
    };
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
    pub fn send(&self, news: News) {
        if self.sender.try_send((news, Timestamp::now())).is_err() {
            (self.count)(Outcome::Dropped);
        }
    }
}

impl EventWriter {
    /// Writes only in a lull, so that Events do not compete with what matters
    /// more for the API server; each is at most a minute late.
    #[must_use]
    pub fn behind(mut self, idle_since: IdleSince) -> Self {
        self.idle_since = Some(idle_since);
        self
    }

    /// Writes Events until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            let news = tokio::select! {
                () = cancel.cancelled() => return,
                news = self.receiver.recv() => news,
            };
            let Some((news, at)) = news else {
                return cancel.cancelled().await;
            };
            let outcome = tokio::select! {
                () = cancel.cancelled() => return,
                outcome = self.tell_in_time(news, at) => outcome,
            };
            (self.count)(outcome);
        }
    }

    async fn tell_in_time(&mut self, news: News, at: Timestamp) -> Outcome {
        if let Some(idle_since) = &mut self.idle_since {
            let age = Timestamp::now().duration_since(at).unsigned_abs();
            let left = LATEST.saturating_sub(age);
            // Neither too long a wait nor the end of the other side keeps news back.
            let _over = tokio::time::timeout(left, lull::begun(idle_since)).await;
        }
        self.tell(news, at).await
    }

    async fn tell(&mut self, mut news: News, at: Timestamp) -> Outcome {
        news.note = shortened(news.note);
        let saying = saying(&news);
        match self.digest.judge(&saying, Instant::now()) {
            Verdict::Withheld => Outcome::Dropped,
            Verdict::New => self.create(news, saying, at).await,
            Verdict::Again { event, count } => {
                let series = EventSeries {
                    count,
                    last_observed_time: MicroTime(at),
                };
                if self.repeat(&news, &event, series).await {
                    Outcome::Done
                } else {
                    self.create(news, saying, at).await
                }
            }
        }
    }

    async fn create(&mut self, news: News, saying: Saying, at: Timestamp) -> Outcome {
        let events = self.api(&news.regarding);
        let event = event(news, &self.reporter, at);
        for _ in 0..ATTEMPTS {
            let params = PostParams::default();
            let created = tokio::time::timeout(PATIENCE, events.create(&params, &event)).await;
            match created {
                Ok(Ok(_)) => {
                    let name = event.metadata.name.clone().unwrap_or_default();
                    self.digest.written(saying, name, Instant::now());
                    return Outcome::Done;
                }
                Ok(Err(error @ kube::Error::Api(_))) => {
                    // Also when an attempt that timed out had been written all the same.
                    tracing::debug!(error = %Chain(&error), "cannot write an Event");
                    break;
                }
                // The API server cannot be reached; others can wait as well.
                Ok(Err(_)) | Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
        self.digest.forgotten(&saying);
        Outcome::Failed
    }

    /// Counts on an Event; tells whether that worked. One that is not counted
    /// is written anew, which is no loss.
    async fn repeat(&self, news: &News, event: &str, series: EventSeries) -> bool {
        let patch = Patch::Merge(json!({ "series": series }));
        let params = PatchParams::default();
        let events = self.api(&news.regarding);
        let patched = tokio::time::timeout(PATIENCE, events.patch(event, &params, &patch)).await;
        matches!(patched, Ok(Ok(_)))
    }

    fn api(&self, regarding: &ObjectReference) -> Api<Event> {
        let namespace = regarding.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn saying(news: &News) -> Saying {
    let regarding = &news.regarding;
    let parts = [
        &regarding.kind,
        &regarding.namespace,
        &regarding.name,
        &regarding.uid,
    ];
    Saying {
        object: parts
            .map(|part| part.as_deref().unwrap_or_default())
            .join("/"),
        reason: news.reason,
        note: news.note.clone(),
    }
}

fn event(news: News, reporter: &Reporter, at: Timestamp) -> Event {
    let object = news.regarding.name.clone().unwrap_or_default();
    let namespace = news.regarding.namespace.clone();
    Event {
        metadata: ObjectMeta {
            namespace: namespace.or_else(|| Some(DEFAULT_NAMESPACE.to_owned())),
            name: Some(format!("{object}.{:x}", at.as_nanosecond())),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(at)),
        type_: Some(if news.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(news.reason.to_owned()),
        action: Some(news.action.to_owned()),
        note: Some(news.note),
        regarding: Some(news.regarding),
        reporting_controller: Some(reporter.controller.to_owned()),
        reporting_instance: Some(reporter.instance.clone()),
        ..Event::default()
    }
}

fn shortened(mut note: String) -> String {
    const MORE: &str = " …";
    if note.len() > LONGEST_NOTE {
        let longest = LONGEST_NOTE - MORE.len();
        let end = (0..=longest).rev().find(|&end| note.is_char_boundary(end));
        note.truncate(end.unwrap_or_default());
        note.push_str(MORE);
    }
    note
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NOTE, shortened};

    #[test]
    fn a_note_is_no_longer_than_the_server_takes() {
        assert_eq!(shortened("short".to_owned()), "short");
        for length in LONGEST_NOTE - 2..LONGEST_NOTE + 8 {
            assert!(shortened("ü".repeat(length)).len() <= LONGEST_NOTE);
        }
    }
}
