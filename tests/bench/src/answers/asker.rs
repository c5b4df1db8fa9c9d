//! Asks for IPs by ARP and takes the time until each answer. Each question that
//! is outstanding is about an IP of its own, as answers carry nothing else by
//! which to tell them apart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;
use ferrolb_speaker::layer2::wire::arp::{ArpFrame, Operation};

use crate::wire::socket::ArpSocket;

/// The NIC to ask through.
const NIC: &str = "eth0";
/// A question that is not answered for so long is lost, and is put again.
const LOST: Duration = Duration::from_millis(100);

/// How questions follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// So many are always outstanding.
    Outstanding(usize),
    /// One, at equal distances.
    Paced(Duration),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// From each question to its answer.
    pub(super) microseconds: Vec<f64>,
    /// Questions without an answer.
    pub(super) lost: u64,
    /// How long it went on.
    took: Duration,
}

impl Asked {
    /// Answers per second.
    pub(super) fn rate(&self) -> f64 {
        let count = u32::try_from(self.microseconds.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.took.as_secs_f64()
    }
}

/// Asks for so long, in the namespace of the calling thread.
pub(super) fn ask(ips: &[Ipv4Addr], way: Way, time: Duration) -> Result<Asked> {
    let mut asker = Asker {
        socket: ArpSocket::open(NIC)?,
        outstanding: BTreeMap::new(),
        asked: Asked::default(),
    };
    let start = Instant::now();
    match way {
        Way::Outstanding(count) => {
            let ips = &ips[..count.min(ips.len())];
            while start.elapsed() < time {
                asker.fill(ips)?;
                asker.take(LOST)?;
                asker.give_up();
            }
        }
        Way::Paced(every) => {
            let mut due = start;
            while start.elapsed() < time {
                asker.fill(&ips[..1])?;
                due = (due + every).max(Instant::now());
                while let Some(left) = due.checked_duration_since(Instant::now()) {
                    asker.take(left)?;
                }
                asker.give_up();
            }
        }
    }
    asker.asked.took = start.elapsed();
    Ok(asker.asked)
}

struct Asker {
    socket: ArpSocket,
    outstanding: BTreeMap<Ipv4Addr, Instant>,
    asked: Asked,
}

impl Asker {
    /// Asks for every IP that no question is outstanding for, while the kernel
    /// has room.
    fn fill(&mut self, ips: &[Ipv4Addr]) -> Result<()> {
        for ip in ips {
            if self.outstanding.contains_key(ip) {
                continue;
            }
            let question = ArpFrame::probe(*ip, self.socket.mac());
            let now = Instant::now();
            if !self.socket.send(&question)? {
                break;
            }
            self.outstanding.insert(*ip, now);
        }
        Ok(())
    }

    /// Takes in what is there, waiting for it at most so long.
    fn take(&mut self, within: Duration) -> Result<()> {
        self.socket.wait(within)?;
        while let Some(frame) = self.socket.receive()? {
            if frame.operation != Operation::Reply {
                continue;
            }
            if let Some(asked) = self.outstanding.remove(&frame.sender_ip) {
                let took = asked.elapsed().as_secs_f64() * 1e6;
                self.asked.microseconds.push(took);
            }
        }
        Ok(())
    }

    fn give_up(&mut self) {
        let before = self.outstanding.len();
        self.outstanding.retain(|_, asked| asked.elapsed() < LOST);
        self.asked.lost += (before - self.outstanding.len()) as u64;
    }
}
