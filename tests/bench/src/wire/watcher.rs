//! Asks a LAN who has an IP, every few milliseconds, from a namespace that is
//! no client: its questions refresh nobody's neighbour table but its own.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrolb_lab::netns;
use ferrolb_speaker::layer2::wire::arp::{ArpFrame, Operation};

use super::heard::Answer;
use super::socket::ArpSocket;

/// How long answers are remembered.
const MEMORY: Duration = Duration::from_secs(120);

/// Whom to ask about, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// The namespace to ask from.
    pub(crate) namespace: String,
    /// Its NIC.
    pub(crate) nic: String,
    /// The NIC's IPv4 address.
    pub(crate) from: Ipv4Addr,
    /// The IP that is asked about.
    pub(crate) ip: Ipv4Addr,
    /// The time between two questions.
    pub(crate) every: Duration,
}

/// A watcher at work; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    heard: Arc<Mutex<Vec<Answer>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts asking.
    pub(crate) fn start(watch: Watch) -> Result<Self> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (record, stopped) = (Arc::clone(&heard), Arc::clone(&stop));
        let (opened, is_open) = mpsc::channel();
        let work = move || {
            let socket = netns::join(&watch.namespace)
                .map_err(anyhow::Error::from)
                .and_then(|()| ArpSocket::open(&watch.nic));
            match socket {
                Ok(socket) => {
                    // The other side waits for this word.
                    let _ = opened.send(Ok(()));
                    ask(&socket, &watch, &record, &stopped);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(work)
            .context("starting the watcher")?;
        is_open.recv().context("the watcher ended early")??;
        Ok(Self {
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// The answers since a moment, in the order of hearing.
    pub(crate) fn since(&self, from: Instant) -> Vec<Answer> {
        let heard = locked(&self.heard);
        let start = heard.partition_point(|answer| answer.at < from);
        heard[start..].to_vec()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A watcher that panicked has said so.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Asks until told to stop. A failure to send or read is silence, as it is for
/// any other station: the NIC may be down for a moment.
fn ask(socket: &ArpSocket, watch: &Watch, record: &Mutex<Vec<Answer>>, stop: &AtomicBool) {
    let question = ArpFrame {
        sender_ip: watch.from,
        ..ArpFrame::probe(watch.ip, socket.mac())
    };
    let mut number = 0;
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let _unsent = socket.send(&question);
        due = (due + watch.every).max(Instant::now());
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || socket.wait(left).is_err() {
                break;
            }
            note(socket, watch.ip, number, record);
        }
        forget(record);
    }
}

fn note(socket: &ArpSocket, ip: Ipv4Addr, question: u64, record: &Mutex<Vec<Answer>>) {
    while let Ok(Some(frame)) = socket.receive() {
        if frame.operation == Operation::Reply && frame.sender_ip == ip && !frame.is_gratuitous() {
            let answer = Answer {
                question,
                at: Instant::now(),
                mac: frame.sender_mac,
            };
            locked(record).push(answer);
        }
    }
}

/// Drops what is too old, in large pieces.
fn forget(record: &Mutex<Vec<Answer>>) {
    let mut heard = locked(record);
    let old = heard
        .first()
        .is_some_and(|answer| answer.at.elapsed() > 2 * MEMORY);
    if old {
        heard.retain(|answer| answer.at.elapsed() < MEMORY);
    }
}

fn locked(heard: &Mutex<Vec<Answer>>) -> MutexGuard<'_, Vec<Answer>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
