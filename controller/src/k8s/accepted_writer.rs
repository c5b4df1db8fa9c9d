//! Writes the ConfigMap that remembers the configuration in force.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_KEY, CONTROLLER, MADE_FROM};
use ferrolb_core::text::Chain;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;

use crate::config::AcceptedWrite;

/// How long a write that failed is left alone, and the longest one may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Carries out the last wish for ever. One that was decided on a version that
/// is not the newest is refused by the API server; the watch brings the next.
pub(super) async fn run(maps: Api<ConfigMap>, mut wishes: watch::Receiver<Option<AcceptedWrite>>) {
    let mut said = false;
    loop {
        let wish = wishes.borrow_and_update().clone();
        let done = match &wish {
            Some(wish) => put(&maps, wish, &mut said).await,
            None => true,
        };
        if done {
            if wishes.changed().await.is_err() {
                // A task that ends is trouble; this one is merely not needed.
                std::future::pending().await
            }
        } else {
            // Tries again, at the latest, after a pause.
            let _again = tokio::time::timeout(PATIENCE, wishes.changed()).await;
        }
    }
}

/// Whether it is written. Trouble is logged once per outage.
async fn put(maps: &Api<ConfigMap>, wish: &AcceptedWrite, said: &mut bool) -> bool {
    let (map, params) = (map(wish), params());
    let written = match wish.version {
        Some(_) => maps.replace(ACCEPTED_CONFIG_MAP, &params, &map).await,
        None => maps.create(&params, &map).await,
    };
    match written {
        Ok(_) => {
            tracing::info!(
                configmap = ACCEPTED_CONFIG_MAP,
                "remembered the configuration"
            );
            *said = false;
            true
        }
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => false,
        Err(error) => {
            if !*said {
                tracing::warn!(configmap = ACCEPTED_CONFIG_MAP, error = %Chain(&error), "cannot remember the configuration; trying again");
            }
            *said = true;
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

fn map(wish: &AcceptedWrite) -> ConfigMap {
    let entry = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(ACCEPTED_CONFIG_MAP.to_owned()),
            resource_version: wish.version.clone(),
            annotations: Some(entry(MADE_FROM, &wish.made_from)),
            ..ObjectMeta::default()
        },
        data: Some(entry(CONFIG_KEY, &wish.text)),
        ..ConfigMap::default()
    }
}
