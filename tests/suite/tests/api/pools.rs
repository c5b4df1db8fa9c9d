//! Claims about pool statuses, warnings and `/state`.

use std::time::Instant;

use ferrolb_api::pool::{IPAddressPool, IPAddressPoolStatus};
use ferrolb_core::names::CONFIG_MAP;
use futures::{StreamExt, TryStreamExt};
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::Cluster;
use crate::{burst, resources, wait};

fn pool(name: &str, addresses: Value) -> Result<IPAddressPool, serde_json::Error> {
    serde_json::from_value(json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
        "metadata": {"name": name}, "spec": {"addresses": addresses},
    }))
}

async fn status_is(
    pools: &Api<IPAddressPool>,
    name: &str,
    expected: IPAddressPoolStatus,
) -> Outcome {
    wait::until(&format!("status of pool {name}"), async || {
        let pool = pools.get(name).await.map_err(|error| error.to_string())?;
        match pool.status {
            Some(status) if status == expected => Ok(()),
            other => Err(format!("it is {other:?}")),
        }
    })
    .await
}

pub(crate) async fn a_pools_status_follows_a_burst_with_few_writes(
    cluster: &mut Cluster,
) -> Outcome {
    const BURST: usize = 200;
    resources::install(cluster).await?;
    let pools = cluster.in_system::<IPAddressPool>();
    let addresses = json!(["10.77.0.0/24", "fd77::/64"]);
    pools
        .create(&PostParams::default(), &pool("lan", addresses)?)
        .await?;
    let controller = cluster.controller().await?;
    let counts = |held: i64| IPAddressPoolStatus {
        assigned_ipv4: held,
        assigned_ipv6: 0,
        available_ipv4: 256 - held,
        available_ipv6: i64::MAX,
    };
    status_is(&pools, "lan", counts(0)).await?;
    let from = pools.list(&ListParams::default()).await?.metadata;
    let from = from.resource_version.ok_or("a list without a version")?;
    let start = Instant::now();
    burst::create(cluster, BURST).await?;
    status_is(&pools, "lan", counts(200)).await?;
    let seconds = usize::try_from(start.elapsed().as_secs())?;
    let last = pools.get("lan").await?.resource_version();
    let mut writes = 0;
    let mut events = pools.watch(&WatchParams::default(), &from).await?.boxed();
    while let Some(event) = events.try_next().await? {
        if let WatchEvent::Modified(pool) = event {
            writes += 1;
            if pool.resource_version() == last {
                break;
            }
        }
    }
    assert!(writes <= seconds + 2, "{writes} writes in {seconds} s");
    controller.stop().await
}

pub(crate) async fn a_pool_that_fills_up_has_a_warning_at_its_object_or_the_config_map(
    cluster: &mut Cluster,
) -> Outcome {
    resources::install(cluster).await?;
    let pools = cluster.in_system::<IPAddressPool>();
    let small = pool("small", json!(["10.77.1.0/30"]))?;
    let small = pools.create(&PostParams::default(), &small).await?;
    cluster
        .configure("pools: [{name: text, addresses: [10.77.0.0/32]}]")
        .await?;
    let _controller = cluster.controller().await?;
    for name in ["a", "b", "c", "d"] {
        cluster.create(name, json!({})).await?;
    }
    // The ConfigMap's pool comes first.
    let text = ["Pool text has no free IPv4 address"];
    let event = cluster.event(CONFIG_MAP, "PoolExhausted", &text).await?;
    let maps = cluster.in_system::<k8s_openapi::api::core::v1::ConfigMap>();
    let map = maps.get(CONFIG_MAP).await?;
    let uid = |event: &k8s_openapi::api::events::v1::Event| event.regarding.as_ref()?.uid.clone();
    assert_eq!(uid(&event), map.uid(), "kubectl describe asks for the uid");
    let parts = ["Pool small is 75% full for IPv4: 3 of 4"];
    let event = cluster.event("small", "PoolUsageHigh", &parts).await?;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    assert_eq!(uid(&event), small.uid());
    Ok(())
}

pub(crate) async fn the_state_page_shows_holders_and_waiting_services(
    cluster: &mut Cluster,
) -> Outcome {
    cluster
        .configure("pools: [{name: lan, addresses: [10.77.0.240/32]}]")
        .await?;
    let controller = cluster.controller().await?;
    cluster.create("has", json!({})).await?;
    cluster.shows("has", &["10.77.0.240"]).await?;
    cluster.create("waits", json!({})).await?;
    cluster.event("waits", "AllocationFailed", &[]).await?;
    let state = controller.state().await?;
    assert_eq!(state["active"], true);
    let full = json!([{
        "name": "lan", "family": "IPv4", "total": "1", "used": "1", "withheld": "0", "free": "0",
    }]);
    assert_eq!(state["pools"], full);
    let held = json!([{"ip": "10.77.0.240", "pool": "lan", "services": ["default/has"]}]);
    assert_eq!(state["addresses"], held);
    assert_eq!(state["quarantined"], json!([]));
    let waiting = json!([{
        "service": "default/waits", "reason": "NoAddressAvailable",
        "message": "No address available: pool lan: no free IPv4 address",
    }]);
    assert_eq!(state["refused"], waiting);
    let standby = cluster.controller().await?;
    standby.ready().await?;
    let state = standby.state().await?;
    assert_eq!(
        (&state["active"], &state["addresses"]),
        (&json!(false), &json!([]))
    );
    Ok(())
}
