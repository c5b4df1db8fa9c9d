//! The speaker's watches: Services, EndpointSlices and Nodes of the cluster,
//! and of our own namespace the speaker pods and the accepted configuration.

use std::fmt::Debug;
use std::net::IpAddr;

use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::names::ACCEPTED_CONFIG_MAP;
use ferrolb_runtime::kube::{object_key, watch};
use ferrolb_runtime::ready::Readiness;
use ferrolb_runtime::tasks::Tasks;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::NamespaceResourceScope;
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
    Service(Change<ServiceView>),
    /// An EndpointSlice.
    Slice(Change<SliceView>),
    /// A Node.
    Node(Change<NodeView>),
    /// A speaker's pod, by name, with its address.
    Pod(Change<(ObjectKey, IpAddr)>),
    /// The configuration that the controller has accepted.
    Config(Change<Accepted>),
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
        let all = watcher::Config::default;
        let service = move |object: Service| convert::service(&object, class.as_deref());
        let services = self.cluster("services", all());
        self.watch(tasks, services, service, Update::Service);
        let slice = |object: EndpointSlice| convert::slice(&object);
        let slices = self.cluster("endpointslices", all());
        self.watch(tasks, slices, slice, Update::Slice);
        let node = |object: Node| Some(convert::node(&object));
        let nodes = self.cluster("nodes", all());
        self.watch(tasks, nodes, node, Update::Node);
        let pod = |object: Pod| Some((object_key(&object), convert::pod_ip(&object)?));
        let pods = self.namespaced("speaker pods", namespace, all().labels(SPEAKER_PODS));
        self.watch(tasks, pods, pod, Update::Pod);
        // Holds back readiness until its list is in; the engine waits for the
        // first configuration.
        let named = format!("metadata.name={ACCEPTED_CONFIG_MAP}");
        let config = |map: ConfigMap| Some(convert::config(&map));
        let maps = self.namespaced(ACCEPTED_CONFIG_MAP, namespace, all().fields(&named));
        self.watch(tasks, maps, config, Update::Config);
    }

    fn cluster<K>(&self, what: &'static str, config: watcher::Config) -> Selection<K>
    where
        K: Resource<DynamicType = ()>,
    {
        let api = Api::all(self.client.clone());
        Selection { what, api, config }
    }

    fn namespaced<K>(
        &self,
        what: &'static str,
        namespace: &str,
        config: watcher::Config,
    ) -> Selection<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let api = Api::namespaced(self.client.clone(), namespace);
        Selection { what, api, config }
    }

    fn watch<K, V>(
        &self,
        tasks: &mut Tasks,
        selection: Selection<K>,
        view: impl Fn(K) -> Option<V> + Send + Sync + 'static,
        wrap: fn(Change<V>) -> Update,
    ) where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        V: Send + 'static,
    {
        let Selection { what, api, config } = selection;
        let (cancel, updates) = (self.cancel.clone(), self.updates.clone());
        let mut guard = Some(self.readiness.expect(what));
        tasks.spawn_infallible(what, async move {
            let sink = |change| {
                if matches!(change, Change::Reset(_)) {
                    guard = None;
                }
                let (updates, update) = (updates.clone(), wrap(change));
                // The engine outlives the watches, but for the moment of shutdown.
                async move { updates.send(update).await.unwrap_or_default() }
            };
            let watching = watch(api, config, what, view, sink);
            cancel.run_until_cancelled(watching).await;
        });
    }
}

/// The objects of one watch.
struct Selection<K> {
    what: &'static str,
    api: Api<K>,
    config: watcher::Config,
}
