//! Claims about how the controller uses the reports of speakers. The claims write
//! the `ServiceL2Status` objects themselves.

use std::time::Duration;

use ferrolb_api::l2_status::ServiceL2Status;
use ferrolb_core::announcement::{
    ANNOUNCES, CONFLICTS, NODE_LABEL, SERVICE_NAME_LABEL, SERVICE_NAMESPACE_LABEL, UNANNOUNCED,
    write_unannounced,
};
use ferrolb_core::ineligible::{Ineligible, Unannounced};
use ferrolb_core::names::ANNOUNCED;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::Outcome;
use crate::cluster::Cluster;
use crate::controller::Controller;
use crate::{resources, wait};

const LAN: &str = "pools: [{name: lan, addresses: [10.77.0.240-10.77.0.250]}]";
const MAC: &str = "02:00:00:00:00:99";

/// Removes the speakers' nodes and objects; nothing to do without the CRD.
pub(crate) async fn clear(cluster: &Cluster) -> Outcome {
    let (delete, all) = (DeleteParams::default(), ListParams::default());
    nodes(cluster).delete_collection(&delete, &all).await?;
    let reports = cluster.in_system::<ServiceL2Status>();
    match reports.delete_collection(&delete, &all).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => {
            other?;
            Ok(())
        }
    }
}

fn nodes(cluster: &Cluster) -> Api<Node> {
    Api::all(cluster.admin.clone())
}

/// A node joins, and its kubelet reports that it is Ready.
async fn join(cluster: &Cluster, node: &str) -> Outcome {
    let object = serde_json::from_value(json!({"metadata": {"name": node}}))?;
    nodes(cluster)
        .create(&PostParams::default(), &object)
        .await?;
    set_ready(cluster, node, "True").await
}

/// Sets the condition `Ready` of a node, as its kubelet or the node controller
/// does.
async fn set_ready(cluster: &Cluster, node: &str, ready: &str) -> Outcome {
    let ready = json!({"type": "Ready", "status": ready});
    let status = Patch::Merge(json!({"status": {"conditions": [ready]}}));
    nodes(cluster)
        .patch_status(node, &PatchParams::default(), &status)
        .await?;
    Ok(())
}

/// Writes the report of a node about a Service, as a speaker does: first the
/// object, then its status.
async fn report(cluster: &Cluster, node: &str, service: &str, annotations: Value) -> Outcome {
    let name = format!("l2-{node}-{service}");
    let object = serde_json::from_value(json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "ServiceL2Status",
        "metadata": {
            "name": name, "annotations": annotations,
            "labels": {
                NODE_LABEL: node, SERVICE_NAME_LABEL: service, SERVICE_NAMESPACE_LABEL: "default",
            },
        },
        "spec": {},
    }))?;
    let reports = cluster.in_system::<ServiceL2Status>();
    reports.create(&PostParams::default(), &object).await?;
    let status = json!({"status": {
        "node": node, "serviceName": service, "serviceNamespace": "default",
        "interfaces": [{"name": "eth0"}],
    }});
    reports
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}

async fn remove_report(cluster: &Cluster, node: &str, service: &str) -> Outcome {
    let reports = cluster.in_system::<ServiceL2Status>();
    let name = format!("l2-{node}-{service}");
    reports.delete(&name, &DeleteParams::default()).await?;
    Ok(())
}

/// Waits until the condition `Announced` is this.
async fn announced(cluster: &Cluster, name: &str, expected: (&str, &str, &str)) -> Outcome {
    wait::until(&format!("{name} to be {expected:?}"), async || {
        let service = cluster.services().get(name).await;
        let service = service.map_err(|error| error.to_string())?;
        let conditions = service.status.and_then(|status| status.conditions);
        let mut conditions = conditions.unwrap_or_default().into_iter();
        let ours = conditions.find(|c| c.type_ == ANNOUNCED);
        let ours = ours.ok_or("it has no such condition")?;
        match (&*ours.status, &*ours.reason, &*ours.message) {
            found if found == expected => Ok(()),
            found => Err(format!("it is {found:?}")),
        }
    })
    .await
}

async fn version(cluster: &Cluster, name: &str) -> Result<Option<String>, Failed> {
    Ok(cluster
        .services()
        .get(name)
        .await?
        .metadata
        .resource_version)
}

/// A restarted controller that has read all reports does not write to `web` again:
/// by the time it has updated another Service it would have.
async fn leaves_alone(
    cluster: &mut Cluster,
    controller: Controller,
    before: Option<String>,
) -> Result<Controller, Failed> {
    controller.stop().await?;
    let controller = cluster.controller().await?;
    cluster.create("other", json!({})).await?;
    report(cluster, "n2", "other", json!({ANNOUNCES: "10.77.0.241=1"})).await?;
    let other = "10.77.0.241 by n2 (eth0)";
    announced(cluster, "other", ("True", "Announced", other)).await?;
    let after = version(cluster, "web").await?;
    assert_eq!(after, before, "it was written again");
    Ok(controller)
}

pub(crate) async fn a_service_names_the_node_that_announces_it(cluster: &mut Cluster) -> Outcome {
    resources::install(cluster).await?;
    cluster.configure(LAN).await?;
    join(cluster, "n1").await?;
    join(cluster, "n2").await?;
    let controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.240"]).await?;
    let claim = |epoch: u64| json!({ANNOUNCES: format!("10.77.0.240={epoch}")});
    report(cluster, "n1", "web", claim(1)).await?;
    let by = |node: &str| format!("10.77.0.240 by {node} (eth0)");
    announced(cluster, "web", ("True", "Announced", &by("n1"))).await?;
    report(cluster, "n2", "web", claim(2)).await?;
    announced(cluster, "web", ("True", "Announced", &by("n2"))).await?;
    let before = version(cluster, "web").await?;
    remove_report(cluster, "n1", "web").await?;
    let controller = leaves_alone(cluster, controller, before).await?;
    remove_report(cluster, "n2", "web").await?;
    let unannounced = "10.77.0.240 is not announced: no speaker reports it; check the speaker pods";
    announced(cluster, "web", ("False", "NotAnnounced", unannounced)).await?;
    let reasons = [("n1", Ineligible::NoEndpoint), ("n2", Ineligible::NoLink)];
    let reasons = reasons.map(|(node, reason)| (node.to_owned(), reason));
    let why = Unannounced::new(&reasons.into(), false);
    let reasons = [("10.77.0.240".parse()?, why)].into();
    let reasons = json!({UNANNOUNCED: write_unannounced(&reasons)});
    report(cluster, "n1", "web", reasons).await?;
    let because = "10.77.0.240 is not announced: no usable interface on n2; no endpoint on n1";
    announced(cluster, "web", ("False", "NoLink", because)).await?;
    controller.stop().await
}

pub(crate) async fn a_node_that_is_not_ready_makes_its_announcements_uncertain(
    cluster: &mut Cluster,
) -> Outcome {
    resources::install(cluster).await?;
    cluster.configure(LAN).await?;
    join(cluster, "n1").await?;
    join(cluster, "n2").await?;
    let controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.240"]).await?;
    report(cluster, "n1", "web", json!({ANNOUNCES: "10.77.0.240=1"})).await?;
    let certain = ("True", "Announced", "10.77.0.240 by n1 (eth0)");
    let but = "10.77.0.240 by n1 (eth0), which is not Ready";
    let uncertain = ("Unknown", "NodeNotReady", but);
    announced(cluster, "web", certain).await?;
    // As the node controller does when the kubelet stops reporting.
    set_ready(cluster, "n1", "Unknown").await?;
    announced(cluster, "web", uncertain).await?;
    let before = version(cluster, "web").await?;
    let controller = leaves_alone(cluster, controller, before).await?;
    set_ready(cluster, "n1", "True").await?;
    announced(cluster, "web", certain).await?;
    nodes(cluster)
        .delete("n1", &DeleteParams::default())
        .await?;
    announced(cluster, "web", uncertain).await?;
    report(cluster, "n2", "web", json!({ANNOUNCES: "10.77.0.240=2"})).await?;
    let by_another = ("True", "Announced", "10.77.0.240 by n2 (eth0)");
    announced(cluster, "web", by_another).await?;
    controller.stop().await
}

pub(crate) async fn an_address_that_another_host_uses_is_replaced_unless_it_is_requested(
    cluster: &mut Cluster,
) -> Outcome {
    resources::install(cluster).await?;
    cluster.configure(LAN).await?;
    let controller = cluster.controller().await?;
    cluster.create("any", json!({})).await?;
    let request = json!({"spec": {"loadBalancerIP": "10.77.0.250"}});
    cluster.create("requested", request).await?;
    cluster.shows("any", &["10.77.0.240"]).await?;
    cluster.shows("requested", &["10.77.0.250"]).await?;
    let conflict = |ip: &str| json!({CONFLICTS: format!("{ip}={MAC}")});
    report(cluster, "n1", "any", conflict("10.77.0.240")).await?;
    cluster.shows("any", &["10.77.0.241"]).await?;
    let parts = ["Released 10.77.0.240", MAC];
    let event = cluster.event("any", "AddressConflict", &parts).await?;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let state = controller.state().await?;
    assert_eq!(state["quarantined"][0]["ip"], "10.77.0.240");
    assert_eq!(state["quarantined"][0]["stranger"], MAC);
    report(cluster, "n1", "requested", conflict("10.77.0.250")).await?;
    let conflicting =
        format!("10.77.0.250 is not announced: another host ({MAC}) uses it, seen by n1");
    announced(
        cluster,
        "requested",
        ("False", "AddressConflict", &conflicting),
    )
    .await?;
    cluster
        .event("requested", "AddressConflict", &["10.77.0.250", MAC])
        .await?;
    cluster.shows("requested", &["10.77.0.250"]).await
}

pub(crate) async fn objects_left_behind_by_a_dead_speaker_are_deleted(
    cluster: &mut Cluster,
) -> Outcome {
    resources::install(cluster).await?;
    cluster.configure(LAN).await?;
    let _controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.240"]).await?;
    report(cluster, "n1", "web", json!({ANNOUNCES: "10.77.0.240=1"})).await?;
    report(cluster, "n2", "web", json!({ANNOUNCES: "10.77.0.249=1"})).await?;
    report(cluster, "n1", "gone", json!({ANNOUNCES: "10.77.0.250=1"})).await?;
    // MetalLB's own objects have no such annotations and must stay.
    report(cluster, "n3", "gone", json!({})).await?;
    let reports = cluster.in_system::<ServiceL2Status>();
    wait::within(
        Duration::from_secs(90),
        "two objects to be deleted",
        async || {
            let all = reports.list(&ListParams::default()).await;
            let all = all.map_err(|error| error.to_string())?;
            let names = all
                .iter()
                .filter_map(|object| object.metadata.name.as_deref());
            match &names.collect::<Vec<_>>()[..] {
                ["l2-n1-web", "l2-n3-gone"] => Ok(()),
                other => Err(format!("there are {other:?}")),
            }
        },
    )
    .await
}
