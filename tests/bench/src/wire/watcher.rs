//! Requests an IP on a LAN every few milliseconds, from a namespace that is not the
//! client's, so that only its own neighbour table is refreshed.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrolb_lab::netns;
use ferrolb_speaker::layer2::wire::arp::{ArpFrame, Operation};

use super::observed::Answer;
use super::socket::ArpSocket;

/// How long answers are kept.
const RETENTION: Duration = Duration::from_secs(120);

/// What to request, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// The namespace of the sender.
    pub(crate) namespace: String,
    /// Its NIC.
    pub(crate) nic: String,
    /// The NIC's IPv4 address.
    pub(crate) from: Ipv4Addr,
    /// The requested IP.
    pub(crate) ip: Ipv4Addr,
    /// The time between two requests.
    pub(crate) every: Duration,
}

/// A running watcher; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    heard: Arc<Mutex<Vec<Answer>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the requests.
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
                    // The other side waits for this message.
                    let _ = opened.send(Ok(()));
                    watch_ip(&socket, &watch, &record, &stopped);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(work)
            .context("cannot start the watcher")?;
        is_open.recv().context("the watcher ended early")??;
        Ok(Self {
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// The answers since a moment, in the order of arrival.
    pub(crate) fn since(&self, from: Instant) -> Vec<Answer> {
        let heard = locked(&self.heard);
        let start = heard.partition_point(|answer| answer.at < from);
        heard[start..].to_vec()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic of the watcher has been reported.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Sends requests until stopped. A failure to send or read counts as silence, as
/// for any other host: the NIC may be down for a moment.
fn watch_ip(socket: &ArpSocket, watch: &Watch, record: &Mutex<Vec<Answer>>, stop: &AtomicBool) {
    let request = ArpFrame {
        sender_ip: watch.from,
        ..ArpFrame::probe(watch.ip, socket.mac())
    };
    let mut number = 0;
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let _unsent = socket.send(&request);
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

fn note(socket: &ArpSocket, ip: Ipv4Addr, request: u64, record: &Mutex<Vec<Answer>>) {
    while let Ok(Some(frame)) = socket.receive() {
        if frame.operation == Operation::Reply && frame.sender_ip == ip && !frame.is_gratuitous() {
            let answer = Answer {
                request,
                at: Instant::now(),
                mac: frame.sender_mac,
            };
            locked(record).push(answer);
        }
    }
}

/// Drops old answers, many at a time.
fn forget(record: &Mutex<Vec<Answer>>) {
    let mut heard = locked(record);
    let old = heard
        .first()
        .is_some_and(|answer| answer.at.elapsed() > 2 * RETENTION);
    if old {
        heard.retain(|answer| answer.at.elapsed() < RETENTION);
    }
}

fn locked(heard: &Mutex<Vec<Answer>>) -> MutexGuard<'_, Vec<Answer>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
