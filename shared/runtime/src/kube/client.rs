//! Makes the Kubernetes client from the pod's service account, or from
//! `KUBECONFIG` outside a cluster.

use kube::Client;
use kube::config::{Config, InferConfigError};
use thiserror::Error;

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Neither a kubeconfig nor a service account is there.
    #[error(
        "found neither a service account (is automountServiceAccountToken off?) nor a kubeconfig: {0}"
    )]
    Config(#[source] Box<InferConfigError>),
    /// The configuration cannot be used.
    #[error("cannot use the Kubernetes client configuration: {0}")]
    Client(#[source] kube::Error),
}

/// A client; it does not connect yet, so the API server may still be down.
///
/// # Errors
/// When no configuration is found, or it names unusable certificates.
pub async fn client() -> Result<Client, ClientError> {
    let config = Config::infer()
        .await
        .map_err(|error| ClientError::Config(Box::new(error)))?;
    Client::try_from(config).map_err(ClientError::Client)
}
