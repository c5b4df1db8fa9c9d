//! What the controller says in Events; they are written behind everything else.

use std::sync::Arc;
use std::time::Duration;

use ferrolb_core::config::Kind;
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_MAP, CONTROLLER};
use ferrolb_runtime::kube::events::{self, EventNote, EventWriter, Reporter};
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference};
use kube::{Api, Client, ResourceExt};

use crate::config::ConfigNotice;
use crate::decide::ReleaseReason;
use crate::metrics::{ControllerMetrics, Outcome};
use crate::reconcile::{InvalidConfig, Notice, PoolNotice, ServiceNotice};

/// The longest the ConfigMap is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where news goes in; never waits.
#[derive(Clone)]
pub struct EventSender {
    sender: events::EventSender,
    client: Client,
    namespace: String,
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
    let reporter = Reporter {
        controller: CONTROLLER,
        instance: instance.to_owned(),
    };
    let count = move |outcome| metrics.event_ended(Outcome::from(outcome));
    let (sender, writer) = events::channel(client.clone(), reporter, Arc::new(count));
    let sender = EventSender {
        sender,
        client,
        namespace: namespace.to_owned(),
    };
    (sender, writer)
}

impl From<events::Outcome> for Outcome {
    fn from(outcome: events::Outcome) -> Self {
        match outcome {
            events::Outcome::Done => Self::Done,
            events::Outcome::Failed => Self::Failed,
            events::Outcome::Dropped => Self::Dropped,
        }
    }
}

impl EventSender {
    /// Tells the owner of a Service.
    pub fn service(&self, told: &ServiceNotice) {
        let (warning, reason, action) = match &told.notice {
            Notice::Assigned(_) => (false, "IPAllocated", "Allocate"),
            Notice::Refused(_) => (true, "AllocationFailed", "Allocate"),
            Notice::Lost(lost) => match lost.why {
                ReleaseReason::ForeignHost(_) => (true, "AddressConflict", "Release"),
                _ => (true, "ClearAssignment", "Release"),
            },
            Notice::Conflict { .. } => (true, "AddressConflict", "Announce"),
        };
        let (namespace, name) = (&told.key.namespace, &told.key.name);
        self.send(EventNote {
            regarding: reference("Service", namespace, name, &told.uid),
            warning,
            reason,
            action,
            note: told.notice.to_string(),
        });
    }

    /// Tells the administrator what is wrong with the configuration;
    /// `configured` is whether an earlier one is in force.
    pub fn config(&self, faulty: &InvalidConfig, configured: bool) {
        if faulty.uid.is_empty() {
            // There is no ConfigMap; the objects at fault are told themselves.
            return;
        }
        let instead = match (&faulty.in_force, configured) {
            (Some(_), _) => {
                format!("still using the last accepted one (ConfigMap {ACCEPTED_CONFIG_MAP})")
            }
            (None, true) => "still using the last valid one".to_owned(),
            (None, false) => "no address is assigned until it is corrected".to_owned(),
        };
        let note = format!("Configuration rejected, {instead}: {}", faulty.faults);
        self.send(EventNote {
            regarding: reference("ConfigMap", &self.namespace, CONFIG_MAP, &faulty.uid),
            warning: true,
            reason: "ConfigInvalid",
            action: "Load",
            note,
        });
    }

    /// Tells the administrator how full a pool is, at its object, or at the
    /// ConfigMap it is in.
    pub fn pool(&self, news: PoolNotice) {
        let PoolNotice { pool, uid, note } = news;
        let news = |regarding| EventNote {
            regarding,
            warning: true,
            reason: "PoolUsage",
            action: "Allocate",
            note,
        };
        let namespace = self.namespace.clone();
        if let Some(uid) = uid {
            let regarding = ObjectReference {
                api_version: Some("metallb.io/v1beta1".to_owned()),
                ..reference("IPAddressPool", &namespace, &pool, &uid)
            };
            return self.send(news(regarding));
        }
        let (sender, client) = (self.sender.clone(), self.client.clone());
        tokio::spawn(async move {
            let uid = config_map(client, &namespace).await.unwrap_or_default();
            sender.send(news(reference("ConfigMap", &namespace, CONFIG_MAP, &uid)));
        });
    }

    /// Tells whoever looks after an object of the configuration.
    pub fn object(&self, notice: &ConfigNotice) {
        let (namespace, name) = (&notice.namespace, &notice.name);
        let mut regarding = reference(notice.kind, namespace, name, &notice.uid);
        let known = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == notice.kind);
        if let Some(kind) = known {
            regarding.api_version = Some(format!("metallb.io/{}", kind.version()));
        }
        self.send(EventNote {
            regarding,
            warning: true,
            reason: notice.reason,
            action: "Load",
            note: notice.note.clone(),
        });
    }

    fn send(&self, news: EventNote) {
        self.sender.send(news);
    }
}

/// `metadata.uid` of the ConfigMap, without which `kubectl describe` does not
/// find an Event about it.
async fn config_map(client: Client, namespace: &str) -> Option<String> {
    let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
    let map = tokio::time::timeout(PATIENCE, maps.get_metadata_opt(CONFIG_MAP)).await;
    map.ok()?.ok()??.uid()
}

fn reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectReference {
    events::reference("v1", kind, Some(namespace), name, uid)
}
