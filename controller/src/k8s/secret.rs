//! Creates the Secret with the key that seals the speakers' gossip, if it does
//! not exist. An existing one is never changed, whatever it holds.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_core::names::{GOSSIP_KEY_LENGTH, GOSSIP_SECRET, GOSSIP_SECRET_KEY};
use ferrolb_core::text::Chain;
use ferrolb_runtime::outage::Outage;
use ferrolb_runtime::retry;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// The first and the longest pause between attempts.
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

/// Ensures that the Secret exists, however long the API server is unreachable;
/// then waits until cancelled.
pub async fn run(client: Client, namespace: String, cancel: CancellationToken) {
    let secrets = Api::namespaced(client, &namespace);
    tokio::select! {
        () = cancel.cancelled() => return,
        () = ensure(&secrets) => {}
    }
    cancel.cancelled().await;
}

async fn ensure(secrets: &Api<Secret>) {
    let mut outage = Outage::default();
    let failed = |error: SecretError| {
        if outage.failed(()) {
            tracing::warn!(error = %Chain(&error), "cannot create the gossip key Secret; retrying");
        }
    };
    let backoff = retry::backoff(PAUSE.0, PAUSE.1);
    retry::retry(backoff, || ensure_once(secrets), failed).await;
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
                "the Secret holds no key of this length and speakers cannot gossip; delete it and restart the controller to get a new one"
            );
        }
        return Ok(());
    }
    let secret = secret()?;
    match secrets.create(&PostParams::default(), &secret).await {
        Ok(_) => {
            tracing::info!(secret = GOSSIP_SECRET, "created the gossip key Secret");
            Ok(())
        }
        // Another replica was faster.
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
