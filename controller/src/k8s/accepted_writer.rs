//! Writes the ConfigMap that stores the accepted configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_KEY, CONTROLLER, MADE_FROM};
use ferrolb_core::text::Chain;
use ferrolb_runtime::outage::Outage;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;

use super::leadership::{Leadership, while_leading};
use crate::config::AcceptedWrite;

/// The longest a write is waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a write that failed.
const RETRY: Duration = Duration::from_secs(2);

/// Carries out the latest write wanted, until aborted. One that was decided on
/// a version that is not the newest is refused by the API server; the watch
/// brings the next.
pub(super) async fn run(
    maps: Api<ConfigMap>,
    leadership: watch::Receiver<Leadership>,
    mut wanted: watch::Receiver<Option<AcceptedWrite>>,
) {
    let mut outage = Outage::default();
    loop {
        let write = wanted.borrow_and_update().clone();
        let done = match &write {
            Some(write) => {
                let request = put(&maps, write, &mut outage);
                let done = while_leading(&leadership, REQUEST_TIMEOUT, request).await;
                done.unwrap_or(false)
            }
            None => true,
        };
        if done {
            if wanted.changed().await.is_err() {
                // A task that ends is a failure; this one is merely not needed.
                std::future::pending().await
            }
        } else {
            // Tries again, at the latest, after a pause.
            let _again = tokio::time::timeout(RETRY, wanted.changed()).await;
        }
    }
}

/// Whether it is written. A failure is logged once per outage.
async fn put(maps: &Api<ConfigMap>, write: &AcceptedWrite, outage: &mut Outage) -> bool {
    let (map, params) = (map(write), params());
    let written = match write.version {
        Some(_) => maps.replace(ACCEPTED_CONFIG_MAP, &params, &map).await,
        None => maps.create(&params, &map).await,
    };
    let configmap = ACCEPTED_CONFIG_MAP;
    match written {
        Ok(_) => {
            let after_outage = outage.recovered();
            tracing::info!(configmap, after_outage, "stored the accepted configuration");
            true
        }
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => false,
        Err(error) => {
            if outage.failed(()) {
                tracing::warn!(configmap, error = %Chain(&error), "cannot store the accepted configuration; retrying");
            }
            false
        }
    }
}

fn params() -> PostParams {
    PostParams {
        field_manager: Some(CONTROLLER.to_owned()),
        ..PostParams::default()
    }
}

fn map(write: &AcceptedWrite) -> ConfigMap {
    let entry = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(ACCEPTED_CONFIG_MAP.to_owned()),
            resource_version: write.version.clone(),
            annotations: Some(entry(MADE_FROM, &write.made_from)),
            ..ObjectMeta::default()
        },
        data: Some(entry(CONFIG_KEY, &write.text)),
        ..ConfigMap::default()
    }
}
