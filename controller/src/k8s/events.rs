//! Kubernetes Events, written behind everything else: they may be late or, in
//! a flood, dropped and counted, but nothing ever waits for them.

use std::sync::Arc;
use std::time::Duration;

use ferrolb_core::config::Kind;
use ferrolb_core::names::{CONFIG_MAP, CONTROLLER};
use ferrolb_runtime::error::Chain;
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::decide::Unfit;
use crate::k8s::doors::state::Objection;
use crate::metrics::{ControllerMetrics, Outcome};
use crate::reconcile::{FaultyConfig, Notice, PoolNews, Told};

/// Events waiting at most.
const BACKLOG: usize = 4096;

/// The longest one Event is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest note the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// One Event to be.
#[derive(Debug)]
struct News {
    regarding: ObjectReference,
    warning: bool,
    reason: &'static str,
    action: &'static str,
    note: String,
}

/// Where news goes in; never waits.
#[derive(Debug, Clone)]
pub struct EventSender {
    sender: mpsc::Sender<News>,
    namespace: String,
    metrics: Arc<ControllerMetrics>,
}

/// Where news comes out and is written.
pub struct EventWriter {
    receiver: mpsc::Receiver<News>,
    client: Client,
    instance: String,
    metrics: Arc<ControllerMetrics>,
}

/// Both ends. `namespace` is where the ConfigMap is; `instance` names this
/// process.
#[must_use]
pub fn channel(
    client: Client,
    namespace: &str,
    instance: &str,
    metrics: Arc<ControllerMetrics>,
) -> (EventSender, EventWriter) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let sender = EventSender {
        sender,
        namespace: namespace.to_owned(),
        metrics: Arc::clone(&metrics),
    };
    let writer = EventWriter {
        receiver,
        client,
        instance: instance.to_owned(),
        metrics,
    };
    (sender, writer)
}

impl EventSender {
    /// Tells the owner of a Service.
    pub fn service(&self, told: &Told) {
        let (warning, reason, action) = match &told.notice {
            Notice::Assigned(_) => (false, "IPAllocated", "Allocate"),
            Notice::Refused(_) => (true, "AllocationFailed", "Allocate"),
            Notice::Lost(lost) => match lost.why {
                Unfit::Stranger(_) => (true, "AddressConflict", "Release"),
                _ => (true, "ClearAssignment", "Release"),
            },
            Notice::Conflict { .. } => (true, "AddressConflict", "Announce"),
        };
        let (namespace, name) = (&told.key.namespace, &told.key.name);
        self.send(News {
            regarding: reference("Service", namespace, name, &told.uid),
            warning,
            reason,
            action,
            note: told.notice.to_string(),
        });
    }

    /// Tells the administrator what is wrong with the configuration.
    pub fn config(&self, faulty: &FaultyConfig) {
        if faulty.uid.is_empty() {
            // There is no ConfigMap; the objects at fault are told themselves.
            return;
        }
        let note = format!(
            "not used, the last good one stays in force: {}",
            faulty.faults
        );
        self.send(News {
            regarding: reference("ConfigMap", &self.namespace, CONFIG_MAP, &faulty.uid),
            warning: true,
            reason: "ConfigInvalid",
            action: "Load",
            note,
        });
    }

    /// Tells the administrator how full a pool is, at its object, or at the
    /// ConfigMap it is in.
    pub fn pool(&self, news: &PoolNews) {
        let regarding = match &news.uid {
            Some(uid) => ObjectReference {
                api_version: Some("metallb.io/v1beta1".to_owned()),
                ..reference("IPAddressPool", &self.namespace, &news.pool, uid)
            },
            None => reference("ConfigMap", &self.namespace, CONFIG_MAP, ""),
        };
        self.send(News {
            regarding,
            warning: true,
            reason: "PoolUsage",
            action: "Allocate",
            note: news.note.clone(),
        });
    }

    /// Tells whoever looks after an object of the configuration.
    pub fn object(&self, objection: &Objection) {
        let (namespace, name) = (&objection.namespace, &objection.name);
        let mut regarding = reference(objection.kind, namespace, name, &objection.uid);
        let known = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == objection.kind);
        if let Some(kind) = known {
            regarding.api_version = Some(format!("metallb.io/{}", kind.version()));
        }
        self.send(News {
            regarding,
            warning: true,
            reason: objection.reason,
            action: "Load",
            note: objection.note.clone(),
        });
    }

    fn send(&self, news: News) {
        if self.sender.try_send(news).is_err() {
            self.metrics.event_ended(Outcome::Dropped);
        }
    }
}

impl EventWriter {
    /// Writes Events until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            let news = tokio::select! {
                () = cancel.cancelled() => return,
                news = self.receiver.recv() => news,
            };
            let Some(news) = news else {
                return cancel.cancelled().await;
            };
            self.write(news).await;
        }
    }

    async fn write(&self, mut news: News) {
        let namespace = news.regarding.namespace.clone().unwrap_or_default();
        if news.regarding.uid.as_deref() == Some("") {
            news.regarding.uid = self.config_map(&namespace).await;
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let event = event(news, &self.instance);
        let params = PostParams::default();
        let created = tokio::time::timeout(PATIENCE, events.create(&params, &event)).await;
        let outcome = match created {
            Ok(Ok(_)) => Outcome::Done,
            Ok(Err(error)) => {
                tracing::debug!(error = %Chain(&error), "cannot write an Event");
                Outcome::Failed
            }
            Err(_) => Outcome::Failed,
        };
        self.metrics.event_ended(outcome);
    }
}

impl EventWriter {
    /// `metadata.uid` of the ConfigMap, without which `kubectl describe` does
    /// not find the Event.
    async fn config_map(&self, namespace: &str) -> Option<String> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let map = tokio::time::timeout(PATIENCE, maps.get_metadata_opt(CONFIG_MAP)).await;
        map.ok()?.ok()??.uid()
    }
}

fn reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}

fn event(news: News, instance: &str) -> Event {
    let now = Timestamp::now();
    let object = news.regarding.name.clone().unwrap_or_default();
    Event {
        metadata: ObjectMeta {
            namespace: news.regarding.namespace.clone(),
            name: Some(format!("{object}.{:x}", now.as_nanosecond())),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        type_: Some(if news.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(news.reason.to_owned()),
        action: Some(news.action.to_owned()),
        note: Some(shortened(news.note)),
        regarding: Some(news.regarding),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
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
