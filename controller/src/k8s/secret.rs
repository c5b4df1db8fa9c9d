//! Makes the Secret that seals the speakers' gossip, if there is none. One that
//! exists is never changed, whoever made it and whatever is in it.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_core::names::{GOSSIP_KEY_LENGTH, GOSSIP_SECRET, GOSSIP_SECRET_KEY};
use ferrolb_core::text::Chain;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// The pause between two tries, first and longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

#[derive(Debug, Error)]
enum SecretError {
    #[error("cannot read Secret {GOSSIP_SECRET}")]
    Read(#[source] kube::Error),
    #[error("cannot create Secret {GOSSIP_SECRET}")]
    Create(#[source] kube::Error),
    #[error("cannot get random numbers from the system")]
    Random(#[source] getrandom::Error),
}

/// Sees to it that the Secret exists, however long the API server is away; then
/// waits for the end.
pub async fn run(client: Client, namespace: String, cancel: CancellationToken) {
    let secrets = Api::namespaced(client, &namespace);
    tokio::select! {
        () = cancel.cancelled() => return,
        () = ensure(&secrets) => {}
    }
    cancel.cancelled().await;
}

async fn ensure(secrets: &Api<Secret>) {
    let (mut pause, longest) = PAUSE;
    let mut said = false;
    while let Err(error) = ensure_once(secrets).await {
        if !said {
            tracing::warn!(error = %Chain(&error), "speakers must wait for their gossip key; trying again");
        }
        said = true;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

async fn ensure_once(secrets: &Api<Secret>) -> Result<(), SecretError> {
    if let Some(secret) = secrets
        .get_opt(GOSSIP_SECRET)
        .await
        .map_err(SecretError::Read)?
    {
        if !is_usable(&secret) {
            tracing::error!(
                secret = GOSSIP_SECRET,
                key = GOSSIP_SECRET_KEY,
                bytes = GOSSIP_KEY_LENGTH,
                "the Secret holds no key of this length; speakers cannot gossip. Delete it and restart the controller to get a new one"
            );
        }
        return Ok(());
    }
    let secret = secret()?;
    match secrets.create(&PostParams::default(), &secret).await {
        Ok(_) => {
            tracing::info!(secret = GOSSIP_SECRET, "created the gossip key");
            Ok(())
        }
        // Another replica was quicker.
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
        Err(error) => Err(SecretError::Create(error)),
    }
}

fn is_usable(secret: &Secret) -> bool {
    let key = secret
        .data
        .as_ref()
        .and_then(|data| data.get(GOSSIP_SECRET_KEY));
    key.is_some_and(|key| key.0.len() == GOSSIP_KEY_LENGTH)
}

fn secret() -> Result<Secret, SecretError> {
    let mut key = vec![0; GOSSIP_KEY_LENGTH];
    getrandom::fill(&mut key).map_err(SecretError::Random)?;
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(GOSSIP_SECRET.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(
            GOSSIP_SECRET_KEY.to_owned(),
            ByteString(key),
        )])),
        ..Secret::default()
    })
}
