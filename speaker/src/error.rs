//! Why the speaker ends with a failure.

use thiserror::Error;

use crate::gossip::GossipError;
use crate::k8s::SecretError;
use crate::layer2::io::responder::WireError;

/// A failure that only a restart or an administrator can fix.
#[derive(Debug, Error)]
pub enum Error {
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// The metrics and health listener does not start.
    #[error(transparent)]
    Http(#[from] ferrolb_runtime::http::HttpError),
    /// A metric cannot be registered.
    #[error("cannot register a metric: {0}")]
    Metrics(#[from] ferrolb_runtime::metrics::MetricsError),
    /// The API server cannot be reached.
    #[error(transparent)]
    Client(#[from] ferrolb_runtime::kube::ClientError),
    /// The gossip key cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Gossip does not start.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// Packet sockets are unavailable.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A task ended that should have gone on.
    #[error(transparent)]
    Task(#[from] ferrolb_runtime::tasks::TaskError),
}
