//! Writes the Events that were queued.

use std::time::{Duration, Instant};

use ferrolb_core::text::Chain;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::correlator::{Correlator, EventKey, Verdict};
use super::quiet_period::{self, IdleSince};
use super::{Counter, EventNote, Outcome, Reporter};

/// The longest an Event waits for a quiet period.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// The longest one attempt is waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause between attempts while the API server cannot be reached, and how many:
/// some minutes, after which an Event is outdated.
const RETRY: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 150;

/// The longest note the API server accepts, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Where Events about objects that are in no namespace are kept.
const DEFAULT_NAMESPACE: &str = "default";

/// Writes Events, one after the other.
pub struct EventWriter {
    receiver: mpsc::Receiver<(EventNote, Timestamp)>,
    client: Client,
    reporter: Reporter,
    count: Counter,
    correlator: Correlator,
    idle_since: Option<IdleSince>,
}

impl EventWriter {
    pub(super) fn new(
        receiver: mpsc::Receiver<(EventNote, Timestamp)>,
        client: Client,
        reporter: Reporter,
        count: Counter,
    ) -> Self {
        Self {
            receiver,
            client,
            reporter,
            count,
            correlator: Correlator::default(),
            idle_since: None,
        }
    }

    /// Writes only in quiet periods, so that Events do not compete with more
    /// important requests for the API server; each is at most a minute late.
    #[must_use]
    pub fn behind(mut self, idle_since: IdleSince) -> Self {
        self.idle_since = Some(idle_since);
        self
    }

    /// Writes Events until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            let note = tokio::select! {
                () = cancel.cancelled() => return,
                note = self.receiver.recv() => note,
            };
            let Some((note, at)) = note else {
                return cancel.cancelled().await;
            };
            let outcome = tokio::select! {
                () = cancel.cancelled() => return,
                outcome = self.write_in_time(note, at) => outcome,
            };
            (self.count)(outcome);
        }
    }

    async fn write_in_time(&mut self, note: EventNote, at: Timestamp) -> Outcome {
        if let Some(idle_since) = &mut self.idle_since {
            let age = Timestamp::now().duration_since(at).unsigned_abs();
            let left = MAX_DELAY.saturating_sub(age);
            // A wait that is too long, or an owner that is gone, does not hold back the Event.
            let _over = tokio::time::timeout(left, quiet_period::wait(idle_since)).await;
        }
        self.write(note, at).await
    }

    async fn write(&mut self, mut note: EventNote, at: Timestamp) -> Outcome {
        note.note = shortened(note.note);
        let key = key(&note);
        match self.correlator.judge(&key, Instant::now()) {
            Verdict::Withheld => Outcome::Dropped,
            Verdict::New => self.create(note, key, at).await,
            Verdict::Repeated { event, count } => {
                let series = EventSeries {
                    count,
                    last_observed_time: MicroTime(at),
                };
                if self.repeat(&note, &event, series).await {
                    Outcome::Done
                } else {
                    self.create(note, key, at).await
                }
            }
        }
    }

    async fn create(&mut self, note: EventNote, key: EventKey, at: Timestamp) -> Outcome {
        let events = self.api(&note.regarding);
        let event = event(note, &self.reporter, at);
        for _ in 0..ATTEMPTS {
            let params = PostParams::default();
            let created =
                tokio::time::timeout(REQUEST_TIMEOUT, events.create(&params, &event)).await;
            match created {
                Ok(Ok(_)) => {
                    let name = event.metadata.name.clone().unwrap_or_default();
                    self.correlator.written(key, name, Instant::now());
                    return Outcome::Done;
                }
                Ok(Err(error @ kube::Error::Api(_))) => {
                    // Also when an earlier attempt that timed out took effect.
                    tracing::debug!(error = %Chain(&error), "cannot write Event");
                    break;
                }
                // The API server cannot be reached; the others would fail as well.
                Ok(Err(_)) | Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
        self.correlator.forgotten(&key);
        Outcome::Failed
    }

    /// Counts on an existing Event; whether that succeeded. If not, a new Event is
    /// written, and nothing is lost.
    async fn repeat(&self, note: &EventNote, event: &str, series: EventSeries) -> bool {
        let patch = Patch::Merge(json!({ "series": series }));
        let params = PatchParams::default();
        let events = self.api(&note.regarding);
        let patched =
            tokio::time::timeout(REQUEST_TIMEOUT, events.patch(event, &params, &patch)).await;
        matches!(patched, Ok(Ok(_)))
    }

    fn api(&self, regarding: &ObjectReference) -> Api<Event> {
        let namespace = regarding.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn key(note: &EventNote) -> EventKey {
    let regarding = &note.regarding;
    let parts = [
        &regarding.kind,
        &regarding.namespace,
        &regarding.name,
        &regarding.uid,
    ];
    EventKey {
        object: parts
            .map(|part| part.as_deref().unwrap_or_default())
            .join("/"),
        reason: note.reason,
        note: note.note.clone(),
    }
}

fn event(note: EventNote, reporter: &Reporter, at: Timestamp) -> Event {
    let object = note.regarding.name.clone().unwrap_or_default();
    let namespace = note.regarding.namespace.clone();
    Event {
        metadata: ObjectMeta {
            namespace: namespace.or_else(|| Some(DEFAULT_NAMESPACE.to_owned())),
            name: Some(format!("{object}.{:x}", at.as_nanosecond())),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(at)),
        type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(note.reason.to_owned()),
        action: Some(note.action.to_owned()),
        note: Some(note.note),
        regarding: Some(note.regarding),
        reporting_controller: Some(reporter.controller.to_owned()),
        reporting_instance: Some(reporter.instance.clone()),
        ..Event::default()
    }
}

/// Cut to the length the API server accepts.
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
    fn a_note_is_not_longer_than_the_server_accepts() {
        assert_eq!(shortened("short".to_owned()), "short");
        for length in LONGEST_NOTE - 2..LONGEST_NOTE + 8 {
            assert!(shortened("ü".repeat(length)).len() <= LONGEST_NOTE);
        }
    }
}
