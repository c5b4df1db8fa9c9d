//! Sets up tracing for a program; called once, first thing in `main`.

use std::io::IsTerminal;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::args::{CommonArgs, LogFormat};

/// Why logging could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// `--log` is not a list of filter directives.
    #[error("--log {filter:?} is neither a level nor a list of filter directives")]
    Filter {
        /// The flag's value.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Another subscriber is installed already.
    #[error("logging is already initialized")]
    Installed(#[source] TryInitError),
}

/// Installs the process-wide subscriber that writes to standard error.
///
/// # Errors
/// When `--log` cannot be parsed, or logging was set up before.
pub fn init(args: &CommonArgs) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = EnvFilter::try_new(&args.log).map_err(|source| LogError::Filter {
        filter: args.log.clone(),
        source,
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match args.log_format {
        LogFormat::Plain => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
    .map_err(LogError::Installed)
}
