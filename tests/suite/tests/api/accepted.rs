//! Claims about the active configuration: stored in a ConfigMap, and used at start
//! while the sources have a fault or nothing.

use ferrolb_core::config::Config;
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_KEY, CONFIG_MAP, MADE_FROM};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use libtest_mimic::Failed;
use serde_json::json;

use crate::Outcome;
use crate::cluster::Cluster;
use crate::controller::Controller;
use crate::wait;

const LAN: &str = "pools: [{name: lan, addresses: [10.77.0.240-10.77.0.250]}]";

const BAD: &str = "pools: [{name: lan, addresses: [10.0.0.300]}]";

/// Waits until the stored configuration is this one.
async fn stored(cluster: &Cluster, text: &str) -> Result<ConfigMap, Failed> {
    let expected = Config::from_yaml(text).map_err(|faults| faults.to_string())?;
    let maps = cluster.in_system::<ConfigMap>();
    wait::until("the stored configuration", async || {
        let map = maps.get(ACCEPTED_CONFIG_MAP).await;
        let map = map.map_err(|error| error.to_string())?;
        let text = map.data.as_ref().and_then(|data| data.get(CONFIG_KEY));
        let config = Config::from_yaml(text.ok_or("it has no text")?);
        match config.map_err(|faults| faults.to_string())? {
            config if config == expected => Ok(map),
            other => Err(format!("it is {other:?}")),
        }
    })
    .await
}

async fn delete(cluster: &Cluster, name: &str) -> Outcome {
    let maps = cluster.in_system::<ConfigMap>();
    maps.delete(name, &DeleteParams::default()).await?;
    Ok(())
}

/// A controller that has read a valid text.
async fn begin(cluster: &Cluster) -> Result<Controller, Failed> {
    cluster.configure(LAN).await?;
    cluster.controller().await
}

/// The same, with a Service that has the first address, and the text stored.
async fn begin_with_a_service(cluster: &Cluster) -> Result<Controller, Failed> {
    let controller = begin(cluster).await?;
    cluster.create("before", json!({})).await?;
    cluster.shows("before", &["10.77.0.240"]).await?;
    stored(cluster, LAN).await?;
    Ok(controller)
}

/// Writes a fault into the text, and waits until it is reported.
async fn break_configuration(cluster: &Cluster) -> Outcome {
    cluster.configure(BAD).await?;
    cluster
        .event(CONFIG_MAP, "ConfigInvalid", &["Configuration rejected"])
        .await?;
    Ok(())
}

/// A controller in the place of another, which assigns the second address and
/// leaves the first where it is.
async fn restart_and_assign(cluster: &Cluster, old: Controller) -> Result<Controller, Failed> {
    old.stop().await?;
    let controller = cluster.controller().await?;
    cluster.create("after", json!({})).await?;
    cluster.shows("after", &["10.77.0.241"]).await?;
    cluster.shows("before", &["10.77.0.240"]).await?;
    Ok(controller)
}

pub(crate) async fn the_accepted_configuration_is_stored_and_restored_when_deleted_or_edited(
    cluster: &mut Cluster,
) -> Outcome {
    let controller = begin(cluster).await?;
    let map = stored(cluster, LAN).await?;
    let made_from = map.annotations().get(MADE_FROM);
    assert!(made_from.is_some_and(|text| text.starts_with("ConfigMap/ferrolb@")));
    break_configuration(cluster).await?;
    let still = stored(cluster, LAN).await?;
    assert_eq!(still.resource_version(), map.resource_version());
    delete(cluster, ACCEPTED_CONFIG_MAP).await?;
    stored(cluster, LAN).await?;
    let edit = Patch::Merge(json!({"data": {CONFIG_KEY: "pools: []"}}));
    let maps = cluster.in_system::<ConfigMap>();
    maps.patch(ACCEPTED_CONFIG_MAP, &PatchParams::default(), &edit)
        .await?;
    stored(cluster, LAN).await?;
    controller.stop().await
}

pub(crate) async fn a_controller_restarted_under_a_fault_uses_the_accepted_configuration(
    cluster: &mut Cluster,
) -> Outcome {
    let controller = begin_with_a_service(cluster).await?;
    break_configuration(cluster).await?;
    let controller = restart_and_assign(cluster, controller).await?;
    let parts = ["still using the last accepted one (ConfigMap ferrolb-accepted)"];
    cluster.event(CONFIG_MAP, "ConfigInvalid", &parts).await?;
    controller.stop().await
}

pub(crate) async fn a_deleted_config_map_releases_no_address_even_across_a_restart(
    cluster: &mut Cluster,
) -> Outcome {
    let controller = begin_with_a_service(cluster).await?;
    delete(cluster, CONFIG_MAP).await?;
    cluster
        .event(ACCEPTED_CONFIG_MAP, "ConfigMissing", &["stays in force"])
        .await?;
    let controller = restart_and_assign(cluster, controller).await?;
    cluster.configure("pools: []").await?;
    cluster.shows("before", &[]).await?;
    controller.stop().await
}
