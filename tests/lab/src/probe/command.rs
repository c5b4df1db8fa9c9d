//! `lab probe`: writes one JSON line each time the responder changes, and the report
//! as the last line.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Kind, POLL_INTERVAL, Probe, ProbeError, Target};

/// Arguments of `lab probe`.
#[derive(Clone, Debug, clap::Args)]
pub struct ProbeArgs {
    /// Kind of probe.
    #[arg(value_enum)]
    pub kind: Kind,
    /// Address to probe, as IP:PORT.
    pub addr: SocketAddr,
    /// Interval between probes in milliseconds [default: udp 2, http 20].
    #[arg(long)]
    pub every: Option<u64>,
    /// Duration in seconds [default: until standard input is closed].
    #[arg(long = "for")]
    pub seconds: Option<u64>,
    /// Machine to probe from: client, lan, api or node-N.
    #[arg(long, default_value = "client")]
    pub from: String,
}

impl ProbeArgs {
    fn target(&self) -> Target {
        let usual = match self.kind {
            Kind::Udp => Target::udp(self.addr),
            Kind::Http => Target::http(self.addr),
        };
        let every = self.every.map_or(usual.every, Duration::from_millis);
        Target { every, ..usual }
    }
}

/// Probes from a network namespace for the requested duration.
pub fn run(namespace: &str, args: &ProbeArgs, out: &mut dyn Write) -> Result<(), ProbeError> {
    let probe = Probe::start(namespace, args.target())?;
    let started = Instant::now();
    let closed = match args.seconds {
        Some(_) => Arc::new(AtomicBool::new(false)),
        None => watch_stdin(),
    };
    let over = || match args.seconds {
        Some(seconds) => started.elapsed() >= Duration::from_secs(seconds),
        None => closed.load(Ordering::Relaxed),
    };
    while !over() {
        if let Some(by) = probe.wait_for(POLL_INTERVAL, |_| true) {
            let at = started.elapsed().as_millis();
            write_line(
                out,
                &json!({ "at_ms": u64::try_from(at).unwrap_or(u64::MAX), "answered_by": by }),
            )?;
        }
    }
    let silence = probe.finish()?;
    write_line(out, &json!(silence))
}

fn write_line(out: &mut dyn Write, line: &serde_json::Value) -> Result<(), ProbeError> {
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(ProbeError::Write)
}

/// A flag that is set when standard input ends.
fn watch_stdin() -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&closed);
    std::thread::spawn(move || {
        // A read error counts as closed.
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        flag.store(true, Ordering::Relaxed);
    });
    closed
}
