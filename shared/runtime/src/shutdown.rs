//! Turns SIGTERM and SIGINT into a cancellation that every task can watch.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the returned token on the first SIGTERM or SIGINT.
///
/// # Errors
/// When a signal handler cannot be installed.
pub fn on_signal() -> io::Result<CancellationToken> {
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    tokio::spawn(cancel_on_signal(token.clone(), terminate, interrupt));
    Ok(token)
}

async fn cancel_on_signal(token: CancellationToken, mut terminate: Signal, mut interrupt: Signal) {
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "received signal; shutting down");
    token.cancel();
}
