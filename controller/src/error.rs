//! Why the controller ends with a failure.

use ferrolb_runtime::http::HttpError;
use ferrolb_runtime::kube::ClientError;
use ferrolb_runtime::metrics::MetricsError;
use ferrolb_runtime::tasks::TaskError;
use thiserror::Error;

/// A failure that needs a restart or an administrator.
#[derive(Debug, Error)]
pub enum Error {
    /// Signal handlers cannot be installed.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// There is no client for the API server.
    #[error("cannot reach Kubernetes: {0}")]
    Client(#[from] ClientError),
    /// The listener for metrics and health cannot be opened.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A metric cannot be registered.
    #[error("cannot register a metric: {0}")]
    Metrics(#[from] MetricsError),
    /// The system provides no random numbers.
    #[error("cannot get random numbers from the system: {0}")]
    Random(#[from] getrandom::Error),
    /// A task ended unexpectedly.
    #[error(transparent)]
    Task(#[from] TaskError),
}
