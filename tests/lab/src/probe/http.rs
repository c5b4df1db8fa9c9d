//! Probes by HTTP with a new TCP connection for every probe, like a loop of curl.
//! Each probe has its own thread, because a connection attempt hangs during an
//! outage and must not delay the next one.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::log::Log;
use super::{Sample, Target};

/// Timeout of a probe. It is shorter than the second after which TCP repeats an
/// unanswered SYN, so that each probe tests one moment only.
const PROBE_TIMEOUT: Duration = Duration::from_millis(900);

/// The number of a probe, the time, and the line received, if any.
type Outcome = (usize, Instant, Option<String>);

/// Probes until `stop` is set.
pub(super) fn run(target: Target, stop: &AtomicBool, mut log: Log) -> Vec<Sample> {
    let (outcomes, arrived) = mpsc::channel();
    let mut due = Instant::now();
    let mut open = 0_usize;
    while !stop.load(Ordering::Relaxed) {
        if Instant::now() >= due {
            open += usize::from(probe(target.addr, log.sent(), outcomes.clone()));
            due = super::next_due(due, target.every);
        }
        open -= take_until(due, &arrived, &mut log);
    }
    let end = Instant::now() + PROBE_TIMEOUT + PROBE_TIMEOUT;
    while open > 0 && Instant::now() < end {
        open -= take_until(end, &arrived, &mut log);
    }
    log.into_samples()
}

/// Starts one probe and returns whether its thread could be started.
fn probe(addr: SocketAddr, number: usize, outcomes: Sender<Outcome>) -> bool {
    let work = move || {
        let line = fetch(addr).ok();
        // An error means that the run is over.
        let _ = outcomes.send((number, Instant::now(), line));
    };
    thread::Builder::new()
        .name(format!("probe-{number}"))
        .spawn(work)
        .is_ok()
}

/// Records at most one outcome until `until`; returns how many (0 or 1).
fn take_until(until: Instant, arrived: &Receiver<Outcome>, log: &mut Log) -> usize {
    let left = until.saturating_duration_since(Instant::now());
    let Ok((number, at, line)) = arrived.recv_timeout(left) else {
        return 0;
    };
    if let Some(line) = line {
        log.answered(number, log.now().saturating_sub(at.elapsed()), &line);
    }
    1
}

/// One GET of `/`; the body's first line.
fn fetch(addr: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, PROBE_TIMEOUT)?;
    stream.set_read_timeout(Some(PROBE_TIMEOUT))?;
    stream.set_write_timeout(Some(PROBE_TIMEOUT))?;
    let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(16 * 1024).read_to_string(&mut answer)?;
    body(&answer)
        .map(str::to_owned)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The body of a response with status 200.
pub(super) fn body(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (head.starts_with("HTTP/1.") && status == "200").then_some(body)
}
