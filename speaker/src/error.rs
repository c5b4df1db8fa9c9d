//! Why a speaker does not run.

use thiserror::Error;

use crate::gossip::GossipError;
use crate::k8s::SecretError;
use crate::layer2::io::responder::WireError;

/// A speaker could not start, or had to stop.
#[derive(Debug, Error)]
pub enum SpeakerError {
    /// Signals cannot be handled.
    #[error("cannot handle signals: {0}")]
    Signals(#[source] std::io::Error),
    /// Logging cannot be set up.
    #[error(transparent)]
    Logs(#[from] ferrolb_runtime::logs::LogError),
    /// The metrics and health listener does not start.
    #[error(transparent)]
    Http(#[from] ferrolb_runtime::http::HttpError),
    /// A metric's name is taken.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] ferrolb_runtime::metrics::MetricsError),
    /// There is no Kubernetes client.
    #[error(transparent)]
    Client(#[from] ferrolb_runtime::kube::ClientError),
    /// The gossip key cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Gossip does not start.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// The wire cannot be opened.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A task ended that should have run on.
    #[error(transparent)]
    Task(#[from] ferrolb_runtime::tasks::TaskError),
}
