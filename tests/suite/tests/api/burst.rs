//! Claims about many Services at once, counted in versions of each.

use std::collections::BTreeMap;

use ferrolb_core::names::ALLOCATED;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use kube::api::{ListParams, WatchEvent, WatchParams};
use libtest_mimic::Failed;
use serde_json::json;

use crate::Outcome;
use crate::cluster::{Cluster, ips};

const WIDE: &str = "pools: [{name: lan, addresses: [10.77.0.0/20]}]";

/// Creates Services `web-0`, `web-1`, … over eight connections.
pub(crate) async fn create(cluster: &Cluster, count: usize) -> Outcome {
    let create = |number| async move { cluster.create(&format!("web-{number}"), json!({})).await };
    let burst = stream::iter(0..count).map(create).buffer_unordered(8);
    burst.try_collect::<()>().await
}

pub(crate) async fn one_write_gives_each_service_of_a_burst_address_and_condition_together(
    cluster: &mut Cluster,
) -> Outcome {
    const BURST: usize = 200;
    cluster.configure(WIDE).await?;
    let controller = cluster.controller().await?;
    controller.metric("ferrolb_controller_leader", 1).await?;
    let from = version(cluster).await?;
    create(cluster, BURST).await?;
    cluster.all_assigned(BURST).await?;
    // The controller's last write to any of them comes before this Service's.
    cluster.create("last", json!({})).await?;
    let last = cluster.all_assigned(BURST + 1).await?;
    assert!(last.contains_key("last"));
    for (name, versions) in history(cluster, &from).await? {
        let [created, written] = &versions[..] else {
            return Err(format!("{name} has {} versions", versions.len()).into());
        };
        assert_eq!(ips(created), Vec::<String>::new());
        let has = (ips(written).len(), allocated(written));
        assert_eq!(has, (1, true), "{name}");
    }
    controller.stop().await
}

pub(crate) async fn a_restart_with_three_hundred_services_moves_and_writes_nothing(
    cluster: &mut Cluster,
) -> Outcome {
    const COUNT: usize = 300;
    cluster.configure(WIDE).await?;
    let controller = cluster.controller().await?;
    create(cluster, COUNT).await?;
    let before = cluster.all_assigned(COUNT).await?;
    controller.stop().await?;
    let from = version(cluster).await?;
    let controller = cluster.controller().await?;
    // One that comes later is served only when all others were replayed.
    cluster.create("last", json!({})).await?;
    let mut after = cluster.all_assigned(COUNT + 1).await?;
    after.remove("last");
    assert_eq!(before, after);
    let history = history(cluster, &from).await?;
    assert_eq!(history.keys().collect::<Vec<_>>(), ["last"]);
    controller.stop().await
}

async fn version(cluster: &Cluster) -> Result<String, Failed> {
    let list = cluster.services().list(&ListParams::default()).await?;
    Ok(list
        .metadata
        .resource_version
        .ok_or("a list without a version")?)
}

/// Every version of every Service since then, up to now.
async fn history(cluster: &Cluster, from: &str) -> Result<BTreeMap<String, Vec<Service>>, Failed> {
    let services = cluster.services();
    let now = services.list(&ListParams::default()).await?;
    let mut open: BTreeMap<_, _> = now
        .iter()
        .map(|service| (service.name_any(), service.resource_version()))
        .collect();
    let mut seen: BTreeMap<String, Vec<Service>> = BTreeMap::new();
    let mut events = services.watch(&WatchParams::default(), from).await?.boxed();
    // Services without a write since then have no event; the one written last has
    // the highest version, and events come in that order.
    let number = |version: &Option<String>| version.as_ref().and_then(|v| v.parse::<u64>().ok());
    let last = open.values().max_by_key(|version| number(version)).cloned();
    open.retain(|_, version| Some(&*version) == last.as_ref());
    while let Some(event) = events.try_next().await? {
        let (WatchEvent::Added(service) | WatchEvent::Modified(service)) = event else {
            continue;
        };
        let is_last = Some(service.resource_version()) == last;
        seen.entry(service.name_any()).or_default().push(service);
        if is_last {
            return Ok(seen);
        }
    }
    Err("the watch ended".into())
}

fn allocated(service: &Service) -> bool {
    let status = service.status.as_ref();
    let mut conditions = status
        .and_then(|s| s.conditions.as_ref())
        .into_iter()
        .flatten();
    conditions.any(|condition| condition.type_ == ALLOCATED && condition.status == "True")
}
