//! Claims about the configuration, the gossip key, and starting without an API
//! server.

use std::collections::BTreeMap;

use ferrolb_core::names::{CONFIG_MAP, GOSSIP_SECRET, GOSSIP_SECRET_KEY};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Node, Pod, Secret, Service};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

use crate::Outcome;
use crate::cluster::Cluster;
use crate::wait;

const LAN: &str = "pools: [{name: lan, addresses: [10.77.0.240-10.77.0.250]}]";

const BAD: &str = "
pools:
  - {name: lan, addresses: [10.77.0.240-10.77.0.250], colour: red}
  - {name: two, addresses: [10.0.0.300]}
";

const FAULTS: [&str; 2] = [
    "pools[0].colour: unknown field",
    "pools[1].addresses[0]: \"10.0.0.300\" is not an IP address",
];

pub(crate) async fn the_claims_run_with_no_more_rights_than_are_shipped(
    cluster: &mut Cluster,
) -> Outcome {
    let client = cluster.restricted().await?;
    let services: Api<Service> = Api::default_namespaced(client.clone());
    services.list(&ListParams::default()).await?;
    let pods: Api<Pod> = Api::all(client);
    match pods.list(&ListParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
        other => Err(format!("listing pods gave {other:?}").into()),
    }
}

pub(crate) async fn an_invalid_configuration_changes_nothing_and_every_fault_is_listed(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let controller = cluster.controller().await?;
    cluster.create("before", json!({})).await?;
    cluster.shows("before", &["10.77.0.240"]).await?;
    cluster.configure(BAD).await?;
    let event = cluster.event(CONFIG_MAP, "ConfigInvalid", &FAULTS).await?;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    controller
        .metric("ferrolb_controller_config_faults", 2)
        .await?;
    controller
        .metric("ferrolb_controller_config_loaded", 1)
        .await?;
    cluster.create("after", json!({})).await?;
    cluster.shows("after", &["10.77.0.241"]).await?;
    cluster.shows("before", &["10.77.0.240"]).await?;
    cluster.configure(LAN).await?;
    controller
        .metric("ferrolb_controller_config_faults", 0)
        .await
}

pub(crate) async fn waits_without_a_configuration_and_reports_it(cluster: &mut Cluster) -> Outcome {
    let controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    controller.ready().await?;
    controller
        .metric("ferrolb_controller_config_loaded", 0)
        .await?;
    cluster.configure(BAD).await?;
    cluster.event(CONFIG_MAP, "ConfigInvalid", &FAULTS).await?;
    cluster.shows("web", &[]).await?;
    cluster.configure(LAN).await?;
    cluster.shows("web", &["10.77.0.240"]).await
}

pub(crate) async fn a_shrunk_pool_moves_only_what_it_no_longer_contains(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let _controller = cluster.controller().await?;
    for (name, ip) in [("low", "10.77.0.240"), ("high", "10.77.0.249")] {
        cluster
            .create(
                name,
                json!({"metadata": {"annotations": {"ferrolb.io/loadBalancerIPs": ip}}}),
            )
            .await?;
        cluster.shows(name, &[ip]).await?;
        cluster
            .change(
                name,
                json!({"metadata": {"annotations": {"ferrolb.io/loadBalancerIPs": null}}}),
            )
            .await?;
    }
    cluster
        .configure("pools: [{name: renamed, addresses: [10.77.0.245-10.77.0.250]}]")
        .await?;
    cluster.shows("low", &["10.77.0.245"]).await?;
    cluster
        .event(
            "low",
            "ClearAssignment",
            &["10.77.0.240", "no pool contains it"],
        )
        .await?;
    cluster.shows("high", &["10.77.0.249"]).await
}

pub(crate) async fn starts_before_the_api_server_does(cluster: &mut Cluster) -> Outcome {
    cluster.configure(LAN).await?;
    cluster.create("web", json!({})).await?;
    cluster.server.stop_api();
    let controller = cluster.controller().await?;
    controller.metric("ferrolb_controller_leader", 0).await?;
    cluster.server.start_api()?;
    cluster.shows("web", &["10.77.0.240"]).await?;
    controller.stop().await
}

pub(crate) async fn the_gossip_key_is_made_once_and_never_overwritten(
    cluster: &mut Cluster,
) -> Outcome {
    let first = cluster.controller().await?;
    let made = key(cluster).await?;
    assert_eq!(made.len(), 32);
    first.stop().await?;
    let second = cluster.controller().await?;
    second.ready().await?;
    second.stop().await?;
    assert_eq!(key(cluster).await?, made);

    // One that was created by others stays as it is, whatever its content.
    cluster.clean().await?;
    let mut secret = Secret::default();
    secret.metadata.name = Some(GOSSIP_SECRET.to_owned());
    let theirs = ByteString(b"theirs".to_vec());
    secret.data = Some(BTreeMap::from([(GOSSIP_SECRET_KEY.to_owned(), theirs)]));
    cluster
        .in_system::<Secret>()
        .create(&PostParams::default(), &secret)
        .await?;
    let third = cluster.controller().await?;
    third.ready().await?;
    third.stop().await?;
    assert_eq!(key(cluster).await?, b"theirs");
    Ok(())
}

async fn key(cluster: &Cluster) -> Result<Vec<u8>, libtest_mimic::Failed> {
    let secrets = cluster.in_system::<Secret>();
    let secret = wait::until("the gossip key", async || secrets.get(GOSSIP_SECRET).await).await?;
    let key = secret
        .data
        .and_then(|mut data| data.remove(GOSSIP_SECRET_KEY));
    Ok(key.ok_or("the Secret has no key")?.0)
}

pub(crate) async fn a_pool_that_overlaps_a_node_or_the_services_is_reported(
    cluster: &mut Cluster,
) -> Outcome {
    let nodes: Api<Node> = Api::all(cluster.admin.clone());
    let node = json!({
        "metadata": {"name": "overlapped"}, "spec": {"podCIDRs": ["10.78.0.0/24"], "podCIDR": "10.78.0.0/24"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.77.0.5"}]},
    });
    cluster
        .configure("pools: [{name: lan, addresses: [10.77.0.0/24, 10.78.0.0/30]}]")
        .await?;
    let controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.0"]).await?;
    let node: Node = serde_json::from_value(node)?;
    nodes.create(&PostParams::default(), &node).await?;
    let reported = async {
        for part in [
            "10.77.0.5 (node overlapped)",
            "10.78.0.0/24 (pods of node overlapped)",
        ] {
            cluster.event(CONFIG_MAP, "ConfigWarning", &[part]).await?;
        }
        let services = cluster.services().get("kubernetes").await?;
        let ip = services.spec.and_then(|spec| spec.cluster_ip);
        let inside = format!(
            "pools: [{{name: lan, addresses: [{}/32]}}]",
            ip.unwrap_or_default()
        );
        cluster.configure(&inside).await?;
        let parts = ["Services, ServiceCIDR kubernetes"];
        cluster.event(CONFIG_MAP, "ConfigWarning", &parts).await
    }
    .await;
    nodes.delete("overlapped", &DeleteParams::default()).await?;
    reported?;
    controller.stop().await
}
