//! What the watches report, and where they send it.

use ferrolb_core::change::Change;
use ferrolb_core::selector::Labels;
use kube::runtime::watcher;
use tokio::sync::mpsc;

use crate::config::{ConfigNotice, SourceEvent};
use crate::reconcile::{Announcement, ConfigState, PoolObject};
use crate::service::ServiceView;

/// After this many seconds a watch is renewed, so that a connection that died
/// in silence is noticed.
const WATCH_SECONDS: u32 = 60;

/// What the watches report. Objects that are in our namespace or in none go by
/// their names.
#[derive(Debug)]
pub enum Input {
    /// Services.
    Services(Box<Change<ServiceView>>),
    /// Namespaces with their labels.
    Namespaces(Change<(String, Labels), String>),
    /// The configuration of all sources, and `metadata.uid` of the ConfigMap.
    Config(ConfigState, Option<String>),
    /// Something to report about an object of the configuration.
    ConfigNotice(ConfigNotice),
    /// Nodes, and whether each is Ready.
    Nodes(Change<(String, bool), String>),
    /// What the speakers report.
    Announcements(Change<Announcement, String>),
    /// `IPAddressPool`s as objects with a status.
    Pools(Change<PoolObject, String>),
}

/// Where the watches send what they see. The other ends are gone only when the
/// watches are about to be aborted.
#[derive(Debug, Clone)]
pub(super) struct Sinks {
    /// To the engine.
    pub(super) inputs: mpsc::Sender<Input>,
    /// To the reader of the configuration.
    pub(super) events: mpsc::Sender<SourceEvent>,
}

impl Sinks {
    pub(super) async fn input(&self, input: Input) {
        let _aborted = self.inputs.send(input).await;
    }

    pub(super) async fn event(&self, event: SourceEvent) {
        let _aborted = self.events.send(event).await;
    }
}

pub(super) fn watcher_config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}
