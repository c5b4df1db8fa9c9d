//! The controller's Events; they are written after everything else.

use std::sync::Arc;

use ferrolb_api::pool::IPAddressPool;
use ferrolb_core::config::Kind;
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_MAP, CONTROLLER, METALLB_GROUP};
use ferrolb_runtime::kube::events::{self, EventNote, EventWriter, Reporter};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, Resource};

use crate::config::ConfigNotice;
use crate::decide::ReleaseReason;
use crate::metrics::ControllerMetrics;
use crate::reconcile::{InvalidConfig, Notice, PoolNotice, ServiceNotice};

/// Accepts Events; never waits.
#[derive(Clone)]
pub struct EventSender {
    sender: events::EventSender,
    namespace: String,
    /// `metadata.uid` of the ConfigMap, by which `kubectl describe` finds Events.
    config_map: String,
}

/// Both ends of the queue. `namespace` is where the ConfigMap is; `instance` names this
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
    let count = move |outcome| metrics.event_ended(outcome);
    let (sender, writer) = events::channel(client, reporter, Arc::new(count));
    let sender = EventSender {
        sender,
        namespace: namespace.to_owned(),
        config_map: String::new(),
    };
    (sender, writer)
}

impl EventSender {
    /// The ConfigMap has this `metadata.uid` now; `None` when it does not exist.
    pub fn config_map_changed(&mut self, uid: Option<String>) {
        self.config_map = uid.unwrap_or_default();
    }

    /// Reports to the owner of a Service.
    pub fn service(&self, notice: &ServiceNotice) {
        let (warning, reason, action) = match &notice.notice {
            Notice::Assigned(_) => (false, "IPAllocated", "Allocate"),
            Notice::Refused(_) => (true, "AllocationFailed", "Allocate"),
            Notice::Released(lost) => match lost.why {
                ReleaseReason::ForeignHost(_) => (true, "AddressConflict", "Release"),
                _ => (true, "ClearAssignment", "Release"),
            },
            Notice::Conflict { .. } => (true, "AddressConflict", "Announce"),
        };
        let (namespace, name) = (&notice.key.namespace, &notice.key.name);
        self.send(EventNote {
            regarding: reference("Service", namespace, name, &notice.uid),
            warning,
            reason,
            action,
            note: notice.notice.to_string(),
        });
    }

    /// Reports what is wrong with the configuration;
    /// `configured` is whether an earlier one is in force.
    pub fn config(&self, faulty: &InvalidConfig, configured: bool) {
        if faulty.uid.is_empty() {
            // There is no ConfigMap; the faults are reported at the objects.
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

    /// Reports how full a pool is, at its object or at the ConfigMap it is in.
    pub fn pool(&self, notice: PoolNotice) {
        let namespace = &self.namespace;
        let regarding = match notice.uid {
            Some(uid) => ObjectReference {
                api_version: Some(IPAddressPool::api_version(&()).into_owned()),
                ..reference("IPAddressPool", namespace, &notice.pool, &uid)
            },
            None => reference("ConfigMap", namespace, CONFIG_MAP, &self.config_map),
        };
        self.send(EventNote {
            regarding,
            warning: true,
            reason: notice.reason,
            action: "Allocate",
            note: notice.note,
        });
    }

    /// Reports at an object of the configuration.
    pub fn object(&self, notice: &ConfigNotice) {
        let (namespace, name) = (&notice.namespace, &notice.name);
        let mut regarding = reference(notice.kind, namespace, name, &notice.uid);
        let known = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == notice.kind);
        if let Some(kind) = known {
            regarding.api_version = Some(format!("{METALLB_GROUP}/{}", kind.version()));
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

fn reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectReference {
    events::reference("v1", kind, Some(namespace), name, uid)
}
