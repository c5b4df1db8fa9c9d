//! Claims about MetalLB's resources: read besides the ConfigMap, as soon as their
//! CRDs are installed, and validated by the API server itself.

use ferrolb_api::l2::L2Advertisement;
use ferrolb_api::pool::IPAddressPool;
use ferrolb_core::config::Kind;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::Cluster;
use crate::wait;

/// Removes what a claim left; nothing to do without the CRDs.
pub(crate) async fn clear(cluster: &Cluster) -> Outcome {
    for kind in Kind::ALL {
        for namespace in ["ferrolb-system", "default"] {
            let objects = objects(cluster, kind, namespace);
            let (delete, all) = (DeleteParams::default(), ListParams::default());
            match objects.delete_collection(&delete, &all).await {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}

fn objects(cluster: &Cluster, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("metallb.io", kind.version(), kind.name());
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
    Api::namespaced_with(cluster.admin.clone(), namespace, &resource)
}

/// Installs the CRDs and waits until they are served.
pub(crate) async fn install(cluster: &Cluster) -> Outcome {
    cluster
        .apply("-k", "config/crd")
        .map_err(|error| error.to_string())?;
    for kind in Kind::ALL {
        let objects = objects(cluster, kind, "default");
        wait::until("the CRDs", async || {
            objects.list(&ListParams::default()).await
        })
        .await?;
    }
    Ok(())
}

async fn create(cluster: &Cluster, kind: Kind, namespace: &str, spec: &Value) -> kube::Result<()> {
    let object = json!({
        "apiVersion": format!("metallb.io/{}", kind.version()), "kind": kind.name(),
        "metadata": {"name": "it"}, "spec": spec,
    });
    let object = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    let objects = objects(cluster, kind, namespace);
    objects.create(&PostParams::default(), &object).await?;
    Ok(())
}

pub(crate) async fn resources_installed_later_are_read(cluster: &mut Cluster) -> Outcome {
    cluster
        .configure("pools: [{name: text, addresses: [10.77.0.200/32]}]")
        .await?;
    let controller = cluster.controller().await?;
    cluster.create("first", json!({})).await?;
    cluster.shows("first", &["10.77.0.200"]).await?;
    install(cluster).await?;
    let pool = json!({"addresses": ["10.77.0.240-10.77.0.250"]});
    create(cluster, Kind::IpAddressPool, "default", &pool).await?;
    cluster
        .event("it", "IgnoredNamespace", &["ferrolb-system"])
        .await?;
    create(cluster, Kind::IpAddressPool, "ferrolb-system", &pool).await?;
    cluster.create("second", json!({})).await?;
    cluster.shows("second", &["10.77.0.240"]).await?;
    let overlap = "pools: [{name: text, addresses: [10.77.0.200-10.77.0.240]}]";
    cluster.configure(overlap).await?;
    let parts = [
        "IPAddressPool/it spec.addresses[0]",
        "pools[0].addresses[0]",
    ];
    cluster.event("it", "ConfigInvalid", &parts).await?;
    cluster.shows("second", &["10.77.0.240"]).await?;
    controller.stop().await
}

pub(crate) async fn the_api_server_rejects_most_faults(cluster: &mut Cluster) -> Outcome {
    install(cluster).await?;
    let (pool, l2) = (Kind::IpAddressPool, Kind::L2Advertisement);
    let selecting = |expression: Value| {
        let selector = json!({"matchExpressions": [expression]});
        json!({"nodeSelectors": [selector]})
    };
    let bad = [
        (pool, json!({})),
        (pool, json!({"addresses": []})),
        (pool, json!({"addresses": ["10.0.0.300/24"]})),
        (pool, json!({"addresses": ["10.0.0.1"]})),
        (pool, json!({"addresses": ["10.0.0.1-10.0.0.2-10.0.0.3"]})),
        (pool, json!({"addresses": ["10.0.0.1-fd77::1"]})),
        (
            pool,
            json!({"addresses": ["10.0.0.0/24"], "serviceAllocation": {"namespaces": ["a", "a"]}}),
        ),
        (
            pool,
            json!({"addresses": ["10.0.0.0/24"], "serviceAllocation": {"maxPerNamespace": 0}}),
        ),
        (pool, json!({"addresses": ["10.0.0.1-10.0.0.2/24"]})),
        (l2, json!({"ipAddressPools": ["a", "a"]})),
        (l2, json!({"nodeSelectors": [{}, {}]})),
        (
            l2,
            json!({"preferredNodeSelectors": [{"weight": 1, "preference": {}}, {"weight": 1, "preference": {}}]}),
        ),
        (
            l2,
            json!({"preferredNodeSelectors": [{"weight": 101, "preference": {}}]}),
        ),
        (l2, selecting(json!({"key": "a", "operator": "Near"}))),
        (l2, selecting(json!({"key": "a", "operator": "In"}))),
        (
            l2,
            selecting(json!({"key": "a", "operator": "Exists", "values": ["b"]})),
        ),
        (
            l2,
            selecting(json!({"key": "a", "operator": "In", "values": ["b", "b"]})),
        ),
    ];
    for (kind, spec) in bad {
        match create(cluster, kind, "ferrolb-system", &spec).await {
            Err(kube::Error::Api(status)) if status.code == 422 => {}
            other => return Err(format!("{kind} {spec} resulted in {other:?}").into()),
        }
    }
    let good = json!({"addresses": ["10.0.0.5/24", " 10.1.0.1 - 10.1.0.9 ", "fd77::/64"]});
    create(cluster, pool, "ferrolb-system", &good).await?;
    Ok(())
}

pub(crate) async fn long_lists_are_accepted(cluster: &mut Cluster) -> Outcome {
    install(cluster).await?;
    let addresses: Vec<String> = (0..4096)
        .map(|number| format!("10.{}.{}.0/24", number / 256, number % 256))
        .collect();
    let namespaces: Vec<String> = (0..4096).map(|number| format!("team-{number}")).collect();
    let selectors: Vec<Value> = (0..512)
        .map(|number| json!({"matchLabels": {"team": number.to_string()}}))
        .collect();
    let spec = json!({
        "addresses": addresses,
        "serviceAllocation": {"namespaces": namespaces, "serviceSelectors": selectors},
    });
    create(cluster, Kind::IpAddressPool, "ferrolb-system", &spec).await?;
    Ok(())
}

pub(crate) async fn the_api_server_accepts_every_sample(cluster: &mut Cluster) -> Outcome {
    install(cluster).await?;
    for sample in ["tenants-objects.yaml", "bgp.yaml"] {
        cluster
            .apply("-f", &format!("config/samples/{sample}"))
            .map_err(|error| format!("{sample}: {error}"))?;
    }
    let all = ListParams::default();
    let pools = cluster.in_system::<IPAddressPool>().list(&all).await?;
    let limits = pools.items.iter().filter_map(|pool| {
        let allocation = pool.spec.service_allocation.as_ref()?;
        allocation.max_per_namespace
    });
    if limits.collect::<Vec<_>>() != [5] {
        return Err(format!("the pools are {:?}", pools.items).into());
    }
    let advertisements = cluster.in_system::<L2Advertisement>();
    let kept = advertisements.list(&all).await?.items.len();
    let peers = objects(cluster, Kind::BgpPeer, "ferrolb-system");
    match (kept, peers.list(&all).await?.items.len()) {
        (1, 1) => Ok(()),
        other => Err(format!("advertisements and peers are {other:?}").into()),
    }
}
