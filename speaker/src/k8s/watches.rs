//! The speaker's watches: Services, EndpointSlices and Nodes of the cluster,
//! and of our own namespace the speaker pods and the accepted configuration.

use std::convert::Infallible;
use std::fmt::Debug;
use std::net::IpAddr;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::names::ACCEPTED_CONFIG_MAP;
use ferrolb_runtime::kube::{Change, watch};
use ferrolb_runtime::ready::Readiness;
use ferrolb_runtime::tasks::Tasks;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::convert::{self, Accepted};
use crate::eligibility::{NodeView, ServiceView, SliceView};

/// Selects the speaker's pods.
const SPEAKER_PODS: &str = "app.kubernetes.io/name=ferrolb,app.kubernetes.io/component=speaker";

/// A change in what the API server holds.
#[derive(Debug)]
pub enum Update {
    /// A Service; none when it is gone or not ours.
    Service(Watched<ServiceView>),
    /// An EndpointSlice.
    Slice(Watched<SliceView>),
    /// A Node.
    Node(Watched<NodeView>),
    /// A speaker's pod, by name, with its address.
    Pod(Watched<(ObjectKey, IpAddr)>),
    /// The configuration that the controller has accepted.
    Config(Watched<Accepted>),
}

/// The three verbs, on views.
#[derive(Debug)]
pub enum Watched<V> {
    /// It exists and looks like this.
    Apply(V),
    /// It is gone, or no longer concerns us.
    Delete(ObjectKey),
    /// These are all there are.
    Reset(Vec<V>),
}

/// What every watch needs.
pub struct Watches<'a> {
    /// Talks to the API server.
    pub client: &'a Client,
    /// Where changes go.
    pub updates: &'a mpsc::Sender<Update>,
    /// Held back until each first list is in.
    pub readiness: &'a Readiness,
    /// Ends the watches.
    pub cancel: &'a CancellationToken,
}

impl Watches<'_> {
    /// Starts them all. `class` is our `spec.loadBalancerClass`.
    pub fn spawn(&self, tasks: &mut Tasks, namespace: &str, class: Option<String>) {
        self.spawn_config(tasks, namespace);
        let service = move |object: &Service| convert::service(object, class.as_deref());
        let node = |object: &Node| Some(convert::node(object));
        let pod = |object: &Pod| Some((convert::key(object), convert::pod_ip(object)?));
        let all = || Api::all(self.client.clone());
        let slices: Api<EndpointSlice> = Api::all(self.client.clone());
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        self.watch(tasks, "services", all(), "", service, Update::Service);
        self.watch(
            tasks,
            "endpointslices",
            slices,
            "",
            convert::slice,
            Update::Slice,
        );
        self.watch(
            tasks,
            "nodes",
            Api::all(self.client.clone()),
            "",
            node,
            Update::Node,
        );
        self.watch(tasks, "speaker pods", pods, SPEAKER_PODS, pod, Update::Pod);
    }

    /// Holds back readiness no longer than its list takes; the engine waits for
    /// the first configuration.
    fn spawn_config(&self, tasks: &mut Tasks, namespace: &str) {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let named = format!("metadata.name={ACCEPTED_CONFIG_MAP}");
        let config = watcher::Config::default().fields(&named);
        let read = |map: &ConfigMap| Some(convert::config(map));
        self.watch_with(
            tasks,
            ACCEPTED_CONFIG_MAP,
            maps,
            config,
            read,
            Update::Config,
        );
    }

    fn watch<K, V>(
        &self,
        tasks: &mut Tasks,
        what: &'static str,
        api: Api<K>,
        labels: &str,
        view: impl Fn(&K) -> Option<V> + Send + Sync + 'static,
        wrap: fn(Watched<V>) -> Update,
    ) where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        V: Send + 'static,
    {
        let config = watcher::Config::default().labels(labels);
        self.watch_with(tasks, what, api, config, view, wrap);
    }

    fn watch_with<K, V>(
        &self,
        tasks: &mut Tasks,
        what: &'static str,
        api: Api<K>,
        config: watcher::Config,
        view: impl Fn(&K) -> Option<V> + Send + Sync + 'static,
        wrap: fn(Watched<V>) -> Update,
    ) where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        V: Send + 'static,
    {
        let cancel = self.cancel.clone();
        let updates = self.updates.clone();
        let mut guard = Some(self.readiness.expect(what));
        tasks.spawn(what, async move {
            watch(api, config, what, cancel, |change| {
                if matches!(change, Change::Reset(_)) {
                    guard = None;
                }
                let update = wrap(reduce(change, &view));
                let updates = updates.clone();
                // The engine outlives the watches, but for the moment of shutdown.
                async move { updates.send(update).await.unwrap_or_default() }
            })
            .await;
            Ok::<(), Infallible>(())
        });
    }
}

fn reduce<K: Resource + Clone, V>(change: Change<K>, view: impl Fn(&K) -> Option<V>) -> Watched<V> {
    match change {
        Change::Apply(object) => match view(&object) {
            Some(seen) => Watched::Apply(seen),
            None => Watched::Delete(convert::key(&object)),
        },
        Change::Delete(object) => Watched::Delete(convert::key(&object)),
        Change::Reset(objects) => Watched::Reset(objects.iter().filter_map(view).collect()),
    }
}
