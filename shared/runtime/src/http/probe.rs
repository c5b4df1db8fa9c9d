//! `--probe`: the program as its own health check. The images hold nothing but
//! the program, so the kubelet's `exec` probes can run nothing else.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::args::{CommonArgs, Probe};

/// The longest wait for the running program.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Probes the running program if `--probe` is set: prints its response, which
/// the kubelet puts into an Event, and returns how to exit.
#[must_use]
pub fn run(args: &CommonArgs) -> Option<ExitCode> {
    let path = match args.probe? {
        Probe::Livez => "/livez",
        Probe::Readyz => "/readyz",
    };
    let (text, healthy) = match request(args.probe_listen, path) {
        Ok(response) => (
            body(&response).to_owned(),
            response.starts_with("HTTP/1.1 200 "),
        ),
        Err(error) => (
            format!(
                "cannot request {path} from {}: {error}\n",
                args.probe_listen
            ),
            false,
        ),
    };
    // The exit code counts, not who reads the text.
    let _ = io::stdout().write_all(text.as_bytes());
    Some(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn request(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: probe\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}
