//! Claims about addresses of single Services.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::Outcome;
use crate::cluster::Cluster;
use crate::wait;

const LAN: &str = "pools: [{name: lan, addresses: [10.77.0.240-10.77.0.250, fd77::f0-fd77::ff]}]";
const ONE: &str = "pools: [{name: lan, addresses: [10.77.0.240/32]}]";

pub(crate) async fn assigns_an_address_with_mode_vip_and_reports_it(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.240"]).await?;
    let ingress = cluster.ingress("web").await?;
    assert_eq!(ingress[0].ip_mode.as_deref(), Some("VIP"));
    let event = cluster
        .event("web", "IPAllocated", &["10.77.0.240", "pool lan"])
        .await?;
    assert_eq!(event.type_.as_deref(), Some("Normal"));
    controller.ready().await?;
    controller.metric("ferrolb_controller_leader", 1).await?;
    controller.stop().await
}

pub(crate) async fn frees_an_address_on_deletion_and_on_a_change_of_type(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(ONE).await?;
    let _controller = cluster.controller().await?;
    cluster.create("first", json!({})).await?;
    cluster.shows("first", &["10.77.0.240"]).await?;
    cluster.create("second", json!({})).await?;
    cluster.create("third", json!({})).await?;
    cluster
        .event(
            "second",
            "AllocationFailed",
            &["pool lan: no free IPv4 address"],
        )
        .await?;
    // While its refusal is being written it is skipped.
    conditioned(cluster, "second").await?;
    cluster
        .services()
        .delete("first", &DeleteParams::default())
        .await?;
    cluster.shows("second", &["10.77.0.240"]).await?;
    cluster
        .change("second", json!({"spec": {"type": "ClusterIP"}}))
        .await?;
    cluster.shows("third", &["10.77.0.240"]).await?;
    cluster.shows("second", &[]).await
}

/// Waits until a Service has a condition.
async fn conditioned(cluster: &Cluster, name: &str) -> Outcome {
    wait::until(&format!("a condition of {name}"), async || {
        let service = cluster.services().get(name).await;
        let status = service.map_err(|error| error.to_string())?.status;
        let conditions = status.and_then(|status| status.conditions);
        conditions.map(drop).ok_or("it has none".to_owned())
    })
    .await
}

pub(crate) async fn honours_a_requested_address(cluster: &mut Cluster) -> Outcome {
    cluster.configure(LAN).await?;
    let _controller = cluster.controller().await?;
    cluster
        .create("field", json!({"spec": {"loadBalancerIP": "10.77.0.245"}}))
        .await?;
    let ask = |ip| json!({"metadata": {"annotations": {"metallb.io/loadBalancerIPs": ip}}});
    cluster.create("annotation", ask("10.77.0.246")).await?;
    cluster.shows("field", &["10.77.0.245"]).await?;
    cluster.shows("annotation", &["10.77.0.246"]).await?;
    cluster.change("annotation", ask("10.77.0.247")).await?;
    cluster.shows("annotation", &["10.77.0.247"]).await?;
    cluster.change("annotation", ask("10.77.0.245")).await?;
    cluster
        .event(
            "annotation",
            "AllocationFailed",
            &["10.77.0.245 is held by Service default/field"],
        )
        .await?;
    cluster.shows("annotation", &["10.77.0.247"]).await
}

pub(crate) async fn refuses_with_a_reason_for_each_pool(cluster: &mut Cluster) -> Outcome {
    let pools = "
pools:
  - {name: off, addresses: [10.9.0.0/24], autoAssign: false}
  - {name: six, addresses: ['fd77::/64']}
";
    cluster.configure(pools).await?;
    let _controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    let reasons = [
        "pool off: autoAssign is false",
        "pool six: has no IPv4 addresses",
    ];
    let event = cluster.event("web", "AllocationFailed", &reasons).await?;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    Ok(())
}

pub(crate) async fn writes_dual_stack_in_the_order_of_the_families(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let _controller = cluster.controller().await?;
    let dual =
        json!({"spec": {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}});
    cluster.create("dual", dual).await?;
    cluster.shows("dual", &["fd77::f0", "10.77.0.240"]).await?;
    let single = json!({"spec": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}});
    cluster.change("dual", single).await?;
    cluster.shows("dual", &["fd77::f0"]).await
}

pub(crate) async fn leaves_services_of_another_class_alone(cluster: &mut Cluster) -> Outcome {
    cluster.configure(LAN).await?;
    cluster
        .create(
            "other",
            json!({"spec": {"loadBalancerClass": "example.com/other"}}),
        )
        .await?;
    write_status(cluster, "other", "10.77.0.240").await?;
    let _controller = cluster.controller().await?;
    cluster.create("ours", json!({})).await?;
    cluster.shows("ours", &["10.77.0.241"]).await?;
    cluster.shows("other", &["10.77.0.240"]).await
}

pub(crate) async fn replaces_an_address_that_no_pool_contains(cluster: &mut Cluster) -> Outcome {
    cluster.configure(LAN).await?;
    cluster.create("web", json!({})).await?;
    write_status(cluster, "web", "192.0.2.7").await?;
    let _controller = cluster.controller().await?;
    cluster.shows("web", &["10.77.0.240"]).await?;
    cluster
        .event(
            "web",
            "ClearAssignment",
            &["192.0.2.7", "no pool contains it"],
        )
        .await?;
    Ok(())
}

pub(crate) async fn keeps_every_address_across_a_restart(cluster: &mut Cluster) -> Outcome {
    cluster.configure(LAN).await?;
    let controller = cluster.controller().await?;
    for number in 0..8 {
        cluster.create(&format!("web-{number}"), json!({})).await?;
    }
    cluster.all_assigned(8).await?;
    cluster
        .services()
        .delete("web-0", &DeleteParams::default())
        .await?;
    let before = cluster.all_assigned(7).await?;
    controller.stop().await?;
    cluster.create("a-first-by-name", json!({})).await?;
    let controller = cluster.controller().await?;
    let mut after = cluster.all_assigned(8).await?;
    after.remove("a-first-by-name");
    assert_eq!(before, after);
    controller.kill();
    Ok(())
}

async fn write_status(cluster: &Cluster, name: &str, ip: &str) -> Outcome {
    let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}});
    let params = PatchParams::default();
    cluster
        .services()
        .patch_status(name, &params, &Patch::Merge(patch))
        .await?;
    Ok(())
}
