//! Asking by datagrams. One thread sends on time and takes in what comes.
//!
//! **Why the source port changes.** A node decides with the first datagram of a
//! flow (addresses and ports) where the flow goes, and conntrack repeats that
//! decision for every later one. One flow for the whole run would measure
//! conntrack: a first datagram that met a node before its rules were written
//! would be misled for as long as datagrams keep the entry alive, and a flow
//! that was once led to an endpoint would hide that new clients are turned
//! away. So every [`FLOW`] probes take a new port, in ascending order, so that
//! no port comes back within conntrack's memory (at most two minutes for UDP,
//! some twenty minutes for a round of ports). Earlier sockets stay open for
//! late answers.

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
/// Sockets that still listen for late answers: at 2 ms the last two seconds.
const SOCKETS: usize = 40;
/// Source ports, ascending and around again.
const PORTS: std::ops::Range<u16> = 20_000..60_000;
/// How long answers are awaited after the last probe.
const LATE: Duration = Duration::from_millis(300);

/// Probes until told to stop.
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
    /// The clock gives this run a number of its own and a port to begin with,
    /// so that neither answers nor flows of an earlier run are taken for ours.
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

    /// Sends the next probe. One that the kernel refuses to send (no route, no
    /// neighbour) is a lost probe like any other.
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

    /// Opens a socket on the next port that is free, or tries again with the
    /// next probe.
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

    /// Takes in answers until `until`, returning early after any came.
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

/// Takes in all that waits on a socket. An error (such as an ICMP refusal) is
/// the answer "no" to some probe and is taken off the socket by reading it.
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

/// The workload's line and the number of the probe it answers; nothing if it
/// is no answer to this run.
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
