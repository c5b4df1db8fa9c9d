//! Reads the gossip key from Secret `ferrolb-gossip`, waiting until the
//! controller has made it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use thiserror::Error;

use crate::gossip::{KeyError, Keyring};

/// The Secret's name and the key in its data.
const SECRET: &str = "ferrolb-gossip";
const DATA_KEY: &str = "key";

/// How long to wait between looks at a Secret that is not there yet.
const RETRY: Duration = Duration::from_millis(500);

/// Why the Secret cannot be used; waiting will not help.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The entry is missing.
    #[error("Secret {namespace}/{SECRET} has no entry {DATA_KEY:?}")]
    Missing {
        /// Its namespace.
        namespace: String,
    },
    /// The entry is no key.
    #[error("Secret {namespace}/{SECRET}, entry {DATA_KEY:?}: {source}")]
    Malformed {
        /// Its namespace.
        namespace: String,
        /// What is wrong with it.
        source: KeyError,
    },
}

/// The gossip key; waits for the API server and for the Secret.
///
/// # Errors
/// When the Secret is there, but holds no usable key.
pub async fn gossip_key(client: Client, namespace: &str) -> Result<Keyring, SecretError> {
    let api: Api<Secret> = Api::namespaced(client, namespace);
    let mut told = None;
    loop {
        match api.get_opt(SECRET).await {
            Ok(Some(secret)) => return keyring(secret, namespace),
            Ok(None) => tell(
                &mut told,
                format!("Secret {SECRET} does not exist yet; the controller makes it"),
            ),
            Err(error) => tell(&mut told, error.to_string()),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Logs each reason to wait once, not at each retry.
fn tell(told: &mut Option<String>, reason: String) {
    if told.as_ref() != Some(&reason) {
        tracing::info!(reason, "waiting for the gossip key");
        *told = Some(reason);
    }
}

fn keyring(secret: Secret, namespace: &str) -> Result<Keyring, SecretError> {
    let namespace = namespace.to_owned();
    let entry = secret.data.and_then(|mut data| data.remove(DATA_KEY));
    let Some(bytes) = entry else {
        return Err(SecretError::Missing { namespace });
    };
    Keyring::from_secret(&bytes.0).map_err(|source| SecretError::Malformed { namespace, source })
}
