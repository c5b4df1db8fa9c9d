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
    let (text, healthy) = probe(args.probe_listen, args.probe?);
    // The exit code counts, not who reads the text.
    let _ = io::stdout().write_all(text.as_bytes());
    Some(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The text of the page, and whether its status is 200.
pub(super) fn probe(address: SocketAddr, page: Probe) -> (String, bool) {
    let path = match page {
        Probe::Livez => "/livez",
        Probe::Readyz => "/readyz",
    };
    match request(address, path) {
        Ok(response) => {
            let healthy = response.starts_with("HTTP/1.1 200 ");
            (body(&response).to_owned(), healthy)
        }
        Err(error) => {
            let text = format!("cannot request {path} from {address}: {error}\n");
            (text, false)
        }
    }
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
