//! The watches behind the engine, one per kind: the configuration always;
//! Services, namespaces, Nodes, and the status objects of the speakers while
//! leading. Every start begins with a new list from the API server's store,
//! never from a cache that may be behind.

use ferrolb_runtime::kube::{self as runtime, Discovery};
use k8s_openapi::api::core::v1::{Namespace, Node, Service};
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};

use super::input::{Input, Sinks, watcher_config};
use super::leadership::Leadership;
use super::{config_sources, nodes, status_objects, view};

/// Changes not yet taken; beyond it the watch waits.
const BACKLOG: usize = 256;

/// Running watches; they stop when this is dropped.
#[derive(Debug)]
pub struct Watches {
    set: JoinSet<()>,
    inputs: mpsc::Receiver<Input>,
}

impl Watches {
    /// Starts watching, with complete lists first: all kinds with the leadership
    /// given, the configuration alone while following.
    #[must_use]
    pub fn start(
        client: &Client,
        namespace: &str,
        leadership: Option<watch::Receiver<Leadership>>,
    ) -> Self {
        let (inputs, receiver) = mpsc::channel(BACKLOG);
        let (events, sources) = mpsc::channel(BACKLOG);
        let sinks = Sinks { inputs, events };
        let mut set = JoinSet::new();
        if leadership.is_some() {
            let client = || client.clone();
            set.spawn(services(Api::all(client()), sinks.clone()));
            set.spawn(namespaces(Api::all(client()), sinks.clone()));
            set.spawn(nodes(Api::all(client()), sinks.clone()));
            let ours = namespace.to_owned();
            set.spawn(announcements(client(), ours, sinks.clone()));
        }
        let role = config_sources::Role {
            namespace: namespace.to_owned(),
            leadership,
        };
        set.spawn(config_sources::run(client.clone(), role, sinks, sources));
        Self {
            set,
            inputs: receiver,
        }
    }

    /// The next change.
    ///
    /// # Errors
    /// When a watch ended, which none does by itself.
    pub async fn next(&mut self) -> Result<Input, WatchEnded> {
        tokio::select! {
            Some(input) = self.inputs.recv() => Ok(input),
            ended = self.set.join_next() => Err(WatchEnded(ended.and_then(Result::err))),
        }
    }

    /// A change that has come already.
    pub fn ready(&mut self) -> Option<Input> {
        self.inputs.try_recv().ok()
    }
}

/// A watch ended that should have gone on.
#[derive(Debug, thiserror::Error)]
#[error("a watch ended unexpectedly")]
pub struct WatchEnded(#[source] Option<JoinError>);

async fn services(api: Api<Service>, sinks: Sinks) {
    let view = |object: Service| Some(view::service(&object));
    runtime::watch(api, watcher_config(), "Services", view, |change| {
        sinks.input(Input::Services(Box::new(change)))
    })
    .await;
}

async fn namespaces(api: Api<Namespace>, sinks: Sinks) {
    let view = |object: Namespace| Some((object.name_any(), object.labels().clone()));
    runtime::watch(api, watcher_config(), "Namespaces", view, |change| {
        sinks.input(Input::Namespaces(change.by_name()))
    })
    .await;
}

/// One watch for two readers: the engine is interested in readiness, the
/// configuration in addresses.
async fn nodes(api: Api<Node>, sinks: Sinks) {
    let view = |object: Node| Some(nodes::node(object));
    runtime::watch(api, watcher_config(), "Nodes", view, async |change| {
        let change = change.by_name();
        sinks.event(nodes::reserved(change.clone())).await;
        sinks.input(nodes::readiness(change)).await;
    })
    .await;
}

/// The kind may be served later, or never.
async fn announcements(client: Client, namespace: String, sinks: Sinks) {
    let resource = status_objects::l2_statuses();
    let interval = config_sources::DISCOVERY;
    let mut discovery = Discovery::new(client.clone(), [((), resource.clone())], interval);
    while discovery.next().await.is_empty() {}
    let api: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &resource);
    let view = status_objects::announcement;
    runtime::watch(api, watcher_config(), "ServiceL2Statuses", view, |change| {
        sinks.input(Input::Announcements(change.by_name()))
    })
    .await;
}
