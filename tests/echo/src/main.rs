//! The sample workload: answers with the names of its pod and node, over HTTP (8080),
//! TCP (8081) and UDP (8082). The servers are in `serve`, the answer in `identity`;
//! here are the ports and the shutdown. Configured by three environment variables.

mod identity;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::identity::Identity;

const HTTP_PORT: u16 = 8080;
const TCP_PORT: u16 = 8081;
const UDP_PORT: u16 = 8082;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut log = io::stderr();
    match run(&mut log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is closed too, there is nowhere left to report.
            let _ = writeln!(log, "ferrolb-echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until SIGTERM or SIGINT. The handlers are installed first: without them, PID 1
/// of a container ignores SIGTERM.
async fn run(log: &mut impl Write) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let identity = Identity::from_env();
    let drain = drain_time(std::env::var("ECHO_DRAIN_SECONDS").ok().as_deref())?;
    let http = serve::http(serve::listen(HTTP_PORT).await?, &identity);
    let tcp = serve::tcp(serve::listen(TCP_PORT).await?, &identity);
    let udp = serve::udp(serve::receive(UDP_PORT).await?, &identity);
    write!(log, "serving as {}", identity.line())?;
    let stopped = async {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        end = http => end,
        () = tcp => Ok(()),
        () = udp => Ok(()),
        () = stopped => Ok(()),
    }
}

/// How long to keep serving after the signal, from `ECHO_DRAIN_SECONDS` (whole seconds;
/// unset or empty means 0).
fn drain_time(value: Option<&str>) -> io::Result<Duration> {
    let text = value.unwrap_or("").trim();
    if text.is_empty() {
        return Ok(Duration::ZERO);
    }
    text.parse().map(Duration::from_secs).map_err(|_| {
        let message = format!("ECHO_DRAIN_SECONDS: {text:?} is not a whole number of seconds");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_once_without_a_drain_time() {
        assert_eq!(drain_time(None).unwrap(), Duration::ZERO);
        assert_eq!(drain_time(Some("")).unwrap(), Duration::ZERO);
        assert_eq!(drain_time(Some("7")).unwrap(), Duration::from_secs(7));
    }

    #[test]
    fn the_error_names_the_invalid_variable() {
        let error = drain_time(Some("soon")).unwrap_err().to_string();
        assert!(
            error.contains("ECHO_DRAIN_SECONDS") && error.contains("soon"),
            "{error}"
        );
    }
}
