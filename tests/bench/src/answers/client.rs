//! Sends ARP probes and measures the time until each answer. Each outstanding
//! probe is for an IP of its own, because answers carry nothing else to tell them
//! apart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;
use ferrolb_speaker::layer2::wire::arp::{ArpFrame, Operation};

use crate::wire::socket::ArpSocket;

/// The NIC to send on.
const NIC: &str = "eth0";
/// A probe without an answer for this long is lost and sent again.
const LOST: Duration = Duration::from_millis(100);

/// When probes are sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pattern {
    /// This many are always outstanding.
    Outstanding(usize),
    /// One at a time, at a fixed interval.
    Paced(Duration),
}

/// The measurements.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// From each probe to its answer.
    pub(super) microseconds: Vec<f64>,
    /// Probes without an answer.
    pub(super) lost: u64,
    /// The duration of the measurement.
    took: Duration,
}

impl Sample {
    /// Answers per second.
    pub(super) fn rate(&self) -> f64 {
        let count = u32::try_from(self.microseconds.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.took.as_secs_f64()
    }
}

/// Probes for `time`, in the namespace of the calling thread.
pub(super) fn probe(ips: &[Ipv4Addr], pattern: Pattern, time: Duration) -> Result<Sample> {
    let mut client = Client {
        socket: ArpSocket::open(NIC)?,
        outstanding: BTreeMap::new(),
        sample: Sample::default(),
    };
    let start = Instant::now();
    match pattern {
        Pattern::Outstanding(count) => {
            let ips = &ips[..count.min(ips.len())];
            while start.elapsed() < time {
                client.fill(ips)?;
                client.take(LOST)?;
                client.drop_lost();
            }
        }
        Pattern::Paced(every) => {
            let mut due = start;
            while start.elapsed() < time {
                client.fill(&ips[..1])?;
                due = (due + every).max(Instant::now());
                while let Some(left) = due.checked_duration_since(Instant::now()) {
                    client.take(left)?;
                }
                client.drop_lost();
            }
        }
    }
    client.sample.took = start.elapsed();
    Ok(client.sample)
}

struct Client {
    socket: ArpSocket,
    outstanding: BTreeMap<Ipv4Addr, Instant>,
    sample: Sample,
}

impl Client {
    /// Probes every IP without an outstanding probe, while the kernel has room.
    fn fill(&mut self, ips: &[Ipv4Addr]) -> Result<()> {
        for ip in ips {
            if self.outstanding.contains_key(ip) {
                continue;
            }
            let probe = ArpFrame::probe(*ip, self.socket.mac());
            let now = Instant::now();
            if !self.socket.send(&probe)? {
                break;
            }
            self.outstanding.insert(*ip, now);
        }
        Ok(())
    }

    /// Receives answers, waiting at most `within` for the first.
    fn take(&mut self, within: Duration) -> Result<()> {
        self.socket.wait(within)?;
        while let Some(frame) = self.socket.receive()? {
            if frame.operation != Operation::Reply {
                continue;
            }
            if let Some(sent) = self.outstanding.remove(&frame.sender_ip) {
                let took = sent.elapsed().as_secs_f64() * 1e6;
                self.sample.microseconds.push(took);
            }
        }
        Ok(())
    }

    fn drop_lost(&mut self) {
        let before = self.outstanding.len();
        self.outstanding.retain(|_, sent| sent.elapsed() < LOST);
        self.sample.lost += (before - self.outstanding.len()) as u64;
    }
}
