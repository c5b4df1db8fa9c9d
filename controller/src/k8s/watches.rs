//! The watches behind the engine: the configuration always; Services, namespaces,
//! which Nodes are Ready, and the objects in which speakers and we report, while
//! leading. Starting anew means a new list from the API server's store, never
//! from a cache that may be behind.

use ferrolb_core::selector::Labels;
use ferrolb_runtime::kube::{Change, watch_as};
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::input::{Input, send, watcher_config};
use super::{config_sources, nodes, reports, view};
use crate::service::ServiceView;

/// Changes not yet taken; beyond it the watch waits.
const BACKLOG: usize = 256;

/// Running watches; they stop when this is dropped.
#[derive(Debug)]
pub struct Watches {
    set: JoinSet<()>,
    inputs: mpsc::Receiver<Input>,
}

impl Watches {
    /// Starts watching, with complete lists first.
    #[must_use]
    pub fn start(client: &Client, namespace: &str, leading: bool) -> Self {
        let (sender, inputs) = mpsc::channel(BACKLOG);
        let mut set = JoinSet::new();
        let ours = namespace.to_owned();
        set.spawn(config_sources::run(
            client.clone(),
            ours,
            leading,
            sender.clone(),
        ));
        if leading {
            set.spawn(services(Api::all(client.clone()), sender.clone()));
            set.spawn(namespaces(Api::all(client.clone()), sender.clone()));
            set.spawn(nodes::readiness(Api::all(client.clone()), sender.clone()));
            let ours = namespace.to_owned();
            set.spawn(reports::announcements(
                client.clone(),
                ours.clone(),
                sender.clone(),
            ));
            set.spawn(reports::pools(client.clone(), ours, sender));
        }
        Self { set, inputs }
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
#[error("a watch ended")]
pub struct WatchEnded(#[source] Option<JoinError>);

/// Each object is cut down to what decisions need as it comes in, so that a
/// long list never is in memory as a whole.
async fn services(api: Api<Service>, sender: mpsc::Sender<Input>) {
    let sink = |change| send(&sender, service_input(change));
    let cancel = CancellationToken::new();
    let cut = |object: Service| view::service(&object);
    watch_as(api, watcher_config(), "Services", cancel, cut, sink).await;
}

async fn namespaces(api: Api<Namespace>, sender: mpsc::Sender<Input>) {
    let sink = |change| send(&sender, namespace_input(change));
    let cancel = CancellationToken::new();
    let cut = |object: Namespace| (object.name_any(), object.labels().clone());
    watch_as(api, watcher_config(), "Namespaces", cancel, cut, sink).await;
}

fn service_input(change: Change<ServiceView>) -> Input {
    match change {
        Change::Apply(view) => Input::Service(Box::new(view)),
        Change::Reset(views) => Input::Services(views),
        Change::Delete(view) => Input::Deleted(view.key),
    }
}

fn namespace_input(change: Change<(String, Labels)>) -> Input {
    match change {
        Change::Apply((name, labels)) => Input::Namespace(name, Some(labels)),
        Change::Reset(all) => Input::Namespaces(all.into_iter().collect()),
        Change::Delete((name, _)) => Input::Namespace(name, None),
    }
}
