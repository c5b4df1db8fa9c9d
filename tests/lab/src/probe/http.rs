//! Asking by HTTP, a new TCP connection for every probe, as a loop of curl
//! would. Each probe has a thread of its own, because during a silence a
//! connection attempt hangs and must not keep the next one from being made.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::log::Log;
use super::{Sample, Target};

/// When a probe gives up. It is shorter than the second after which TCP repeats
/// an unanswered SYN, so each probe tells of one moment only.
const PATIENCE: Duration = Duration::from_millis(900);

/// The line that came back for a probe, or nothing.
type Outcome = (usize, Instant, Option<String>);

/// Probes until told to stop.
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
    let end = Instant::now() + PATIENCE + PATIENCE;
    while open > 0 && Instant::now() < end {
        open -= take_until(end, &arrived, &mut log);
    }
    log.into_samples()
}

/// Starts one probe; says whether it could.
fn probe(addr: SocketAddr, number: usize, outcomes: Sender<Outcome>) -> bool {
    let ask = move || {
        let line = fetch(addr).ok();
        // The run is over and nobody waits for this one any more.
        let _ = outcomes.send((number, Instant::now(), line));
    };
    thread::Builder::new()
        .name(format!("probe-{number}"))
        .spawn(ask)
        .is_ok()
}

/// Takes in one outcome if any comes until `until`, and says how many did.
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
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(16 * 1024).read_to_string(&mut answer)?;
    body(&answer)
        .map(str::to_owned)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The body of a good answer.
pub(super) fn body(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?;
    (head.starts_with("HTTP/1.") && status == "200").then_some(body)
}
