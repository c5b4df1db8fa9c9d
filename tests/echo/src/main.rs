//! The sample workload: a pod that says which pod on which node answered, over
//! HTTP (8080), TCP (8081) and UDP (8082). What is served lives in `serve`,
//! what is said in `identity`; here are only the ports and the end of the
//! process. Knows nothing of FerroLB or Kubernetes beyond three variables.

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
            // Nobody is left to be told if standard error is closed as well.
            let _ = writeln!(log, "ferrolb-echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until told to stop. The signal handlers come first: as process 1 of
/// its container the program would otherwise not hear SIGTERM at all.
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

/// How long to keep serving after the request to stop, from
/// `ECHO_DRAIN_SECONDS` (whole seconds; unset or empty means none).
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
    fn stops_at_once_unless_told_to_drain() {
        assert_eq!(drain_time(None).unwrap(), Duration::ZERO);
        assert_eq!(drain_time(Some("")).unwrap(), Duration::ZERO);
        assert_eq!(drain_time(Some("7")).unwrap(), Duration::from_secs(7));
    }

    #[test]
    fn names_the_variable_that_is_wrong() {
        let error = drain_time(Some("soon")).unwrap_err().to_string();
        assert!(
            error.contains("ECHO_DRAIN_SECONDS") && error.contains("soon"),
            "{error}"
        );
    }
}
