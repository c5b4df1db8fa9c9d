//! What the controller says in Events; they are written behind everything else.

use std::sync::Arc;

use ferrolb_core::config::Kind;
use ferrolb_core::names::{CONFIG_MAP, CONTROLLER};
use ferrolb_runtime::kube::events::{self, EventWriter, News, Reporter};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;

use crate::k8s::doors::state::Objection;
use crate::metrics::{ControllerMetrics, Outcome};
use crate::reconcile::{FaultyConfig, Notice, Told};

/// Where news goes in; never waits.
#[derive(Clone)]
pub struct EventSender {
    sender: events::EventSender,
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
    let (sender, writer) = events::channel(client, reporter, Arc::new(count));
    let sender = EventSender {
        sender,
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
    pub fn service(&self, told: &Told) {
        let (warning, reason, action) = match told.notice {
            Notice::Assigned(_) => (false, "IPAllocated", "Allocate"),
            Notice::Refused(_) => (true, "AllocationFailed", "Allocate"),
            Notice::Lost(_) => (true, "ClearAssignment", "Release"),
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
        self.sender.send(news);
    }
}

fn reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectReference {
    events::reference("v1", kind, Some(namespace), name, uid)
}
