//! Watches the sources of the configuration: the ConfigMap, and MetalLB's
//! resources where their CRDs are installed, now or later. What follows from a
//! change is decided in `config`; here it is sent on, logged and written.

use std::time::Duration;

use ferrolb_core::change::Change;
use ferrolb_core::config::{Kind, Object};
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_MAP, MADE_FROM, METALLB_GROUP};
use ferrolb_runtime::kube::{Discovery, watch};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::sync::{mpsc, watch as latest};
use tokio::task::JoinSet;

use super::input::{Input, Sinks, watcher_config};
use super::leadership::Leadership;
use super::status_objects;
use super::{accepted_writer, cluster_ranges};
use crate::config::{
    ConfigLog, ConfigMapView, ConfigObject, ConfigOutput, ConfigSources, SourceEvent,
};
use crate::reconcile::PoolObject;

/// Interval between requests which CRDs are installed, while some are missing.
pub(super) const DISCOVERY: Duration = Duration::from_secs(5);

/// On whose behalf the sources are watched.
pub(super) struct Role {
    /// Our namespace.
    pub(super) namespace: String,
    /// Only a leader stores what is accepted, and reports on objects; `None`
    /// while following.
    pub(super) leadership: Option<latest::Receiver<Leadership>>,
}

/// Watches all sources until aborted. `events` are those that `sinks` sends.
pub(super) async fn run(
    client: Client,
    role: Role,
    sinks: Sinks,
    mut events: mpsc::Receiver<SourceEvent>,
) {
    let mut set = JoinSet::new();
    let leading = role.leadership.is_some();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &role.namespace);
    let about = SourceEvent::ConfigMap;
    set.spawn(config_map(maps.clone(), CONFIG_MAP, about, sinks.clone()));
    let (write, writes) = latest::channel(None);
    if let Some(leadership) = role.leadership {
        let about = SourceEvent::Accepted;
        let map = config_map(maps.clone(), ACCEPTED_CONFIG_MAP, about, sinks.clone());
        set.spawn(map);
        set.spawn(accepted_writer::run(maps, leadership, writes));
        set.spawn(cluster_ranges::service_cidrs(client.clone(), sinks.clone()));
    }
    set.spawn(discover(client.clone(), sinks.clone()));
    let mut sources = ConfigSources::new(role.namespace.clone(), leading);
    let mut first = true;
    while let Some(event) = events.recv().await {
        if let SourceEvent::Served(kinds) = &event {
            let pools = kinds.contains(&Kind::IpAddressPool);
            if std::mem::take(&mut first) && leading && !pools {
                sinks.input(Input::Pools(Change::Reset(Vec::new()))).await;
            }
            for &kind in kinds {
                let pools_of =
                    (leading && kind == Kind::IpAddressPool).then(|| role.namespace.clone());
                set.spawn(objects(client.clone(), kind, pools_of, sinks.clone()));
            }
        }
        for output in sources.apply(event) {
            match output {
                ConfigOutput::State(state) => {
                    let input = Input::Config(state, sources.config_map_uid());
                    sinks.input(input).await;
                }
                ConfigOutput::Notice(notice) => sinks.input(Input::ConfigNotice(notice)).await,
                ConfigOutput::Log(entry) => log(&entry),
            }
        }
        let wanted = sources.accepted_write();
        write.send_if_modified(|write| std::mem::replace(write, wanted.clone()) != wanted);
    }
}

fn log(entry: &ConfigLog) {
    let configmap = ACCEPTED_CONFIG_MAP;
    match entry {
        ConfigLog::Warning(warning) => tracing::warn!(%warning, "configuration warning"),
        ConfigLog::Overlap { pool, overlap } => {
            tracing::warn!(pool, overlap, "pool overlaps addresses of the cluster");
        }
        ConfigLog::Unreadable(faults) => {
            tracing::error!(configmap, %faults, "cannot read the accepted configuration");
        }
        ConfigLog::Unwritable(error) => {
            tracing::error!(configmap, error, "cannot store the accepted configuration");
        }
    }
}

async fn config_map(
    maps: Api<ConfigMap>,
    name: &'static str,
    about: fn(Option<ConfigMapView>) -> SourceEvent,
    sinks: Sinks,
) {
    let only = watcher_config().fields(&format!("metadata.name={name}"));
    let view = |object: ConfigMap| Some(map(object));
    watch(maps, only, name, view, |change| {
        sinks.event(about(change.single()))
    })
    .await;
}

fn map(object: ConfigMap) -> ConfigMapView {
    ConfigMapView {
        uid: object.uid().unwrap_or_default(),
        version: object.resource_version(),
        made_from: object.annotations().get(MADE_FROM).cloned(),
        data: object.data.unwrap_or_default(),
    }
}

/// `pools_of` is the namespace whose pools the engine is interested in, too.
async fn objects(client: Client, kind: Kind, pools_of: Option<String>, sinks: Sinks) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource(kind));
    let view = |one: DynamicObject| {
        let pool = status_objects::pool(&one);
        Some((object(kind, one), pool))
    };
    watch(api, watcher_config(), kind.name(), view, async |change| {
        if let Some(namespace) = &pools_of {
            let pools = pools(change.clone(), namespace);
            if let Some(pools) = pools {
                sinks.input(Input::Pools(pools)).await;
            }
        }
        let objects = change.map(|(object, _)| object);
        sinks.event(SourceEvent::Objects(kind, objects)).await;
    })
    .await;
}

fn resource(kind: Kind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(METALLB_GROUP, kind.version(), kind.name());
    ApiResource::from_gvk_with_plural(&gvk, kind.plural())
}

fn object(kind: Kind, object: DynamicObject) -> ConfigObject {
    ConfigObject {
        namespace: object.namespace().unwrap_or_default(),
        uid: object.uid().unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        object: Object {
            kind,
            name: object.name_any(),
            labels: object.metadata.labels.unwrap_or_default(),
            spec: object.data.get("spec").cloned().unwrap_or(Value::Null),
        },
    }
}

/// A change of the pools in a namespace; none if it is about others.
fn pools(
    change: Change<(ConfigObject, PoolObject)>,
    namespace: &str,
) -> Option<Change<PoolObject, String>> {
    let ours = |one: &(ConfigObject, PoolObject)| one.0.namespace == namespace;
    match change {
        Change::Apply(one) => ours(&one).then_some(Change::Apply(one.1)),
        Change::Delete(key) => (key.namespace == namespace).then_some(Change::Delete(key.name)),
        Change::Reset(all) => {
            let all = all.into_iter().filter(ours).map(|(_, pool)| pool);
            Some(Change::Reset(all.collect()))
        }
    }
}

/// Reports each kind once it is served.
async fn discover(client: Client, sinks: Sinks) {
    let kinds = Kind::ALL.map(|kind| (kind, resource(kind)));
    let mut discovery = Discovery::new(client, kinds, DISCOVERY);
    loop {
        let found = discovery.next().await;
        sinks.event(SourceEvent::Served(found)).await;
    }
}
