//! The two doors by which a configuration comes in: the ConfigMap, and
//! MetalLB's resources where their CRDs are installed, now or later. Both are
//! read as one and handed on when that, and not merely a status, has changed.
//! The leader keeps what was without a fault in a ConfigMap of its own.

use std::time::Duration;

use ferrolb_core::config::Kind;
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_MAP};
use ferrolb_core::text::Chain;
use ferrolb_runtime::kube::{Change, watch};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use tokio::sync::{mpsc, watch as latest};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::input::{Input, watcher_config};
use super::{accepted_writer, cluster_ranges};
use crate::config::{Doors, Occupied};

/// The group of MetalLB's resources.
const GROUP: &str = "metallb.io";

/// How often it is asked which CRDs there are, while some are missing.
const DISCOVERY: Duration = Duration::from_secs(5);

/// The same while the API server does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// What comes in by the doors.
#[derive(Debug)]
pub enum Knock {
    /// About the ConfigMap.
    ConfigMap(Change<ConfigMap>),
    /// About the ConfigMap that remembers the configuration in force.
    Accepted(Change<ConfigMap>),
    /// About the addresses that nodes and their pods have.
    Nodes(Change<Occupied>),
    /// About the addresses that Services have inside the cluster.
    ServiceRanges(Change<Occupied>),
    /// About objects of a kind, in all namespaces.
    Objects(Kind, Change<DynamicObject>),
    /// These kinds are served by the API server.
    Served(Vec<Kind>),
}

/// Watches both doors for ever. Only one that leads tells people about objects
/// and remembers the configuration.
pub async fn run(client: Client, namespace: String, leading: bool, sink: mpsc::Sender<Input>) {
    let (sender, mut knocks) = mpsc::channel(64);
    let mut set = JoinSet::new();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    set.spawn(config_map(
        maps.clone(),
        CONFIG_MAP,
        Knock::ConfigMap,
        sender.clone(),
    ));
    let (wish, wishes) = latest::channel(None);
    if leading {
        set.spawn(config_map(
            maps.clone(),
            ACCEPTED_CONFIG_MAP,
            Knock::Accepted,
            sender.clone(),
        ));
        set.spawn(accepted_writer::run(maps, wishes));
        set.spawn(cluster_ranges::nodes(client.clone(), sender.clone()));
        set.spawn(cluster_ranges::service_ranges(
            client.clone(),
            sender.clone(),
        ));
    }
    set.spawn(discover(client.clone(), sender.clone()));
    let mut doors = Doors::new(namespace, leading);
    while let Some(knock) = knocks.recv().await {
        if let Knock::Served(kinds) = &knock {
            for &kind in kinds {
                set.spawn(objects(client.clone(), kind, sender.clone()));
            }
        }
        for input in doors.hear(knock) {
            // Nobody listens any more only when this task is about to be aborted.
            let _unheard = sink.send(input).await;
        }
        let wanted = doors.remember();
        wish.send_if_modified(|wish| {
            let news = *wish != wanted;
            *wish = wanted;
            news
        });
    }
}

async fn config_map(
    maps: Api<ConfigMap>,
    name: &'static str,
    about: fn(Change<ConfigMap>) -> Knock,
    sender: mpsc::Sender<Knock>,
) {
    let only = watcher_config().fields(&format!("metadata.name={name}"));
    let sink = |change| knock(sender.clone(), about(change));
    watch(maps, only, name, CancellationToken::new(), sink).await;
}

async fn objects(client: Client, kind: Kind, sender: mpsc::Sender<Knock>) {
    let gvk = GroupVersionKind::gvk(GROUP, kind.version(), kind.name());
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let sink = |change| knock(sender.clone(), Knock::Objects(kind, change));
    let never = CancellationToken::new();
    watch(api, watcher_config(), kind.name(), never, sink).await;
}

pub(super) async fn knock(sender: mpsc::Sender<Knock>, knock: Knock) {
    // Nobody listens any more only when this task is about to be aborted.
    let _unheard = sender.send(knock).await;
}

/// Asks which kinds there are until all are found. Names each one once.
async fn discover(client: Client, sender: mpsc::Sender<Knock>) {
    let mut missing = Kind::ALL.to_vec();
    let mut first = true;
    while !missing.is_empty() {
        let pause = match served(&client, &missing).await {
            Ok(found) => {
                missing.retain(|kind| !found.contains(kind));
                if first || !found.is_empty() {
                    knock(sender.clone(), Knock::Served(found)).await;
                }
                first = false;
                DISCOVERY
            }
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "cannot ask which CRDs there are");
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
    // A watch that ends is trouble; this one has merely nothing left to find.
    std::future::pending().await
}

async fn served(client: &Client, missing: &[Kind]) -> Result<Vec<Kind>, kube::Error> {
    let mut found = Vec::new();
    for version in ["v1beta1", "v1beta2"] {
        let group = format!("{GROUP}/{version}");
        let list = match client.list_api_group_resources(&group).await {
            Ok(list) => list.resources,
            Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
            Err(error) => return Err(error),
        };
        let here = |kind: &&Kind| {
            kind.version() == version && list.iter().any(|resource| resource.name == kind.plural())
        };
        found.extend(missing.iter().filter(here).copied());
    }
    Ok(found)
}
