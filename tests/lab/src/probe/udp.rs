//! Probes by UDP datagrams. One thread sends and receives.
//!
//! **Why the source port changes.** A node decides with the first datagram of a
//! flow where the flow goes, and conntrack repeats that decision for every later
//! one. A single flow for the whole run would measure conntrack: a first datagram
//! that reached a node before its rules were written would be misrouted as long as
//! datagrams keep the entry alive, and an established flow would hide that new
//! clients are rejected. So every [`FLOW`] probes use a new port, in ascending
//! order, so that no port is reused while conntrack remembers it (at most two
//! minutes for UDP; a round of ports takes about twenty). Earlier sockets stay
//! open for late answers.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::log::Log;
use super::{ProbeError, Sample, Target};

/// Probes per source port: at 2 ms a new flow every 50 ms.
const FLOW: usize = 25;
/// Number of open sockets for late answers: at 2 ms the last two seconds.
const SOCKETS: usize = 40;
/// Source ports, used in ascending order and then again.
const PORTS: std::ops::Range<u16> = 20_000..60_000;
/// How long to wait for answers after the last probe.
const LATE: Duration = Duration::from_millis(300);

/// Probes until `stop` is set.
pub(super) fn run(target: Target, stop: &AtomicBool, log: Log) -> Result<Vec<Sample>, ProbeError> {
    let mut prober = Prober::new(target.addr, log);
    let wait = |source| ProbeError::Wait {
        addr: target.addr,
        source,
    };
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if Instant::now() >= due {
            prober.send();
            due = super::next_due(due, target.every);
        }
        prober.take_until(due).map_err(wait)?;
    }
    let end = Instant::now() + LATE;
    while prober.log.waiting() > 0 && Instant::now() < end {
        prober.take_until(end).map_err(wait)?;
    }
    Ok(prober.log.into_samples())
}

struct Prober {
    target: SocketAddr,
    log: Log,
    sockets: VecDeque<UdpSocket>,
    next_port: u16,
    run: u64,
}

impl Prober {
    /// Run number and first port are taken from the clock, so that answers and flows
    /// of an earlier run are not mistaken for this one's.
    fn new(target: SocketAddr, log: Log) -> Self {
        let clock = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let offset = clock.subsec_micros() % u32::from(PORTS.end - PORTS.start);
        Self {
            target,
            log,
            sockets: VecDeque::new(),
            next_port: PORTS.start + u16::try_from(offset).unwrap_or(0),
            run: u64::try_from(clock.as_nanos() & u128::from(u64::MAX)).unwrap_or(0),
        }
    }

    /// Sends the next probe. One that the kernel rejects (no route, no neighbour)
    /// counts as lost.
    fn send(&mut self) {
        let number = self.log.sent();
        if number.is_multiple_of(FLOW) || self.sockets.is_empty() {
            self.open();
        }
        let tag = [self.run.to_be_bytes(), (number as u64).to_be_bytes()].concat();
        if let Some(socket) = self.sockets.back() {
            let _ = socket.send(&tag);
        }
    }

    /// Opens a socket on the next port; if that fails, the next probe retries.
    fn open(&mut self) {
        let local: IpAddr = match self.target {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let port = self.next_port;
        self.next_port = if port + 1 < PORTS.end {
            port + 1
        } else {
            PORTS.start
        };
        let connected = UdpSocket::bind((local, port)).and_then(|socket| {
            socket.set_nonblocking(true)?;
            socket.connect(self.target)?;
            Ok(socket)
        });
        if let Ok(socket) = connected {
            self.sockets.push_back(socket);
        }
        if self.sockets.len() > SOCKETS {
            self.sockets.pop_front();
        }
    }

    /// Receives answers until `until`; returns early after the first ones.
    fn take_until(&mut self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        let mut polled: Vec<PollFd<'_>> = self
            .sockets
            .iter()
            .map(|s| PollFd::new(s.as_fd(), PollFlags::POLLIN))
            .collect();
        match ppoll(&mut polled, Some(TimeSpec::from_duration(left)), None) {
            Ok(0) | Err(nix::Error::EINTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let at = self.log.now();
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        for (socket, _) in self.sockets.iter().zip(ready).filter(|(_, ready)| *ready) {
            take(socket, self.run, at, &mut self.log);
        }
        Ok(())
    }
}

/// Receives all pending answers of a socket. An error, such as ICMP unreachable, is
/// a lost probe and is cleared by reading it.
fn take(socket: &UdpSocket, run: u64, at: Duration, log: &mut Log) {
    let mut buffer = [0; 512];
    for _ in 0..2 * FLOW {
        match socket.recv(&mut buffer) {
            Ok(len) => {
                if let Some((line, number)) = parse(&buffer[..len], run) {
                    log.answered(number, at, line);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => {}
        }
    }
}

/// The workload's line and the number of the answered probe; `None` if it is not an
/// answer to this run.
pub(super) fn parse(answer: &[u8], run: u64) -> Option<(&str, usize)> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let (line, tag) = answer.split_at(end + 1);
    let (found, number) = tag.split_at_checked(8)?;
    if found != run.to_be_bytes() {
        return None;
    }
    let number = u64::from_be_bytes(number.try_into().ok()?);
    Some((
        std::str::from_utf8(line).ok()?,
        usize::try_from(number).ok()?,
    ))
}
