//! Reads the gossip key from Secret `ferrolb-gossip`, waiting until the
//! controller has created it.

use std::time::Duration;

use ferrolb_core::names::{GOSSIP_SECRET, GOSSIP_SECRET_KEY};
use ferrolb_core::text::Chain;
use ferrolb_runtime::outage::Outage;
use ferrolb_runtime::retry;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use thiserror::Error;

use crate::gossip::{KeyError, Keyring};

/// The first and the longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(1));

/// Why the Secret cannot be used; waiting will not help.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The entry is missing.
    #[error("Secret {namespace}/{GOSSIP_SECRET} has no entry {GOSSIP_SECRET_KEY:?}")]
    Missing {
        /// Its namespace.
        namespace: String,
    },
    /// The entry is not a key.
    #[error("cannot use Secret {namespace}/{GOSSIP_SECRET}, entry {GOSSIP_SECRET_KEY:?}")]
    Malformed {
        /// Its namespace.
        namespace: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
}

/// Why there is no Secret yet.
#[derive(Debug, Error)]
enum NotYet {
    #[error("Secret {GOSSIP_SECRET} does not exist yet; the controller creates it")]
    Absent,
    #[error("cannot read Secret {GOSSIP_SECRET}")]
    Unreadable(#[source] kube::Error),
}

/// The gossip key; waits for the API server and for the Secret.
///
/// # Errors
/// When the Secret exists, but holds no usable key.
pub async fn gossip_key(client: Client, namespace: &str) -> Result<Keyring, SecretError> {
    let api: Api<Secret> = Api::namespaced(client, namespace);
    let attempt = async || match api.get_opt(GOSSIP_SECRET).await {
        Ok(secret) => secret.ok_or(NotYet::Absent),
        Err(error) => Err(NotYet::Unreadable(error)),
    };
    let mut outage = Outage::default();
    let failed = |error: NotYet| {
        let cause = Chain(&error).to_string();
        if outage.failed(cause.clone()) {
            tracing::info!(error = cause, "waiting for the gossip key");
        }
    };
    let secret = retry::retry(retry::backoff(PAUSE.0, PAUSE.1), attempt, failed).await;
    keyring(secret, namespace)
}

fn keyring(secret: Secret, namespace: &str) -> Result<Keyring, SecretError> {
    let namespace = namespace.to_owned();
    let entry = secret
        .data
        .and_then(|mut data| data.remove(GOSSIP_SECRET_KEY));
    let Some(bytes) = entry else {
        return Err(SecretError::Missing { namespace });
    };
    Keyring::from_secret(&bytes.0).map_err(|source| SecretError::Malformed { namespace, source })
}
