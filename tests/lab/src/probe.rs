//! A prober: sends requests to the sample workload continuously from a network
//! namespace and reports the longest time without an answer. Here is its handle;
//! `udp` and `http` send the probes, `log` records them, `tally` counts answers
//! while the probing runs, `report` (pure) computes the result.
//!
//! It runs on threads of the calling program that have entered the namespace.
//! Sockets belong to the namespace of the thread that opens them, so no second
//! process is needed.

pub mod arp;
pub mod command;
mod http;
mod log;
mod report;
mod tally;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use thiserror::Error;

pub use self::report::{Answer, Responder, Sample, Silence, silence};
use self::tally::Tally;
use crate::error::LabError;
use crate::{netns, wait};

/// If the prober is late by more than this, it skips the missed probes.
const STALL: Duration = Duration::from_millis(50);
/// Longest single wait for a change.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// One datagram per probe.
    Udp,
    /// One new TCP connection and one GET per probe, like a loop of curl.
    Http,
}

/// What to probe, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The kind of probe.
    pub kind: Kind,
    /// The workload's address, usually a Service's external IP.
    pub addr: SocketAddr,
    /// Time between the starts of two probes.
    pub every: Duration,
}

impl Target {
    /// Datagrams every 2 ms.
    pub fn udp(addr: impl Into<SocketAddr>) -> Self {
        Self {
            kind: Kind::Udp,
            addr: addr.into(),
            every: Duration::from_millis(2),
        }
    }

    /// HTTP requests every 20 ms.
    pub fn http(addr: impl Into<SocketAddr>) -> Self {
        Self {
            kind: Kind::Http,
            addr: addr.into(),
            every: Duration::from_millis(20),
        }
    }
}

/// Why probing failed. Missing answers are a result, not an error.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The network namespace could not be entered.
    #[error("cannot enter the network namespace {namespace}")]
    Enter {
        /// The namespace's name.
        namespace: String,
        /// The reason.
        #[source]
        source: Box<LabError>,
    },
    /// The prober's thread could not be started.
    #[error("cannot start the prober of {addr}")]
    Start {
        /// The probed address.
        addr: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// Waiting for answers failed.
    #[error("cannot wait for answers from {addr}")]
    Wait {
        /// The probed address.
        addr: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The report could not be written.
    #[error("cannot write the report")]
    Write(#[source] io::Error),
    /// The prober's thread panicked.
    #[error("the prober of {addr} exited unexpectedly")]
    Ended {
        /// The probed address.
        addr: SocketAddr,
    },
}

/// A running prober. It also stops if dropped without [`Probe::finish`].
#[derive(Debug)]
pub struct Probe {
    target: Target,
    stop: Arc<AtomicBool>,
    responders: Receiver<Arc<Responder>>,
    tally: Arc<Tally>,
    thread: Option<JoinHandle<Result<Vec<Sample>, ProbeError>>>,
}

impl Probe {
    /// Starts probing from the named network namespace (as `ip netns` lists it).
    pub fn start(namespace: &str, target: Target) -> Result<Self, ProbeError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, responders) = mpsc::channel();
        let stopped = Arc::clone(&stop);
        let tally = Arc::new(Tally::default());
        let counted = Arc::clone(&tally);
        let probing = move || {
            let log = log::Log::new(sender, counted);
            match target.kind {
                Kind::Udp => udp::run(target, &stopped, log),
                Kind::Http => Ok(http::run(target, &stopped, log)),
            }
        };
        // A thread belongs to the namespace of the thread that started it.
        let start = || {
            thread::Builder::new()
                .name("probe".to_owned())
                .spawn(probing)
        };
        let thread = netns::enter(namespace, start)
            .map_err(|source| ProbeError::Enter {
                namespace: namespace.to_owned(),
                source: Box::new(source),
            })?
            .map_err(|source| ProbeError::Start {
                addr: target.addr,
                source,
            })?;
        Ok(Self {
            target,
            stop,
            responders,
            tally,
            thread: Some(thread),
        })
    }

    /// Waits for an answer from a responder that `wanted` accepts; `None` on
    /// timeout. Only changes of the responder are examined, beginning with the
    /// first answer or the end of the last call.
    pub fn wait_for(
        &self,
        within: Duration,
        mut wanted: impl FnMut(&Responder) -> bool,
    ) -> Option<Responder> {
        let deadline = Instant::now() + within;
        loop {
            match self
                .responders
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(responder) if wanted(&responder) => return Some((*responder).clone()),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Like [`Probe::wait_for`], but a timeout is an error that names `what`, and
    /// an interrupt ends the wait.
    pub fn expect(
        &self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Responder) -> bool,
    ) -> Result<Responder, LabError> {
        let mut last = "no answer".to_owned();
        wait::until(what, within, || {
            let accept = |by: &Responder| {
                last = by.to_string();
                wanted(by)
            };
            self.wait_for(POLL_INTERVAL, accept)
                .ok_or_else(|| last.clone())
        })
    }

    /// Waits until a single responder has answered `count` of the probes sent from
    /// now on, so that a second change shortly after the first is recorded too.
    pub fn expect_further(&self, count: usize, within: Duration) -> Result<(), LabError> {
        self.tally.begin();
        let what = format!("a single responder to answer {count} more probes");
        wait::until(&what, within, || match self.tally.answered() {
            answered if answered >= count => Ok(()),
            answered => Err(format!("{answered} answered")),
        })
    }

    /// Stops, waits briefly for late answers, and returns the result.
    pub fn finish(mut self) -> Result<Silence, ProbeError> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = ProbeError::Ended {
            addr: self.target.addr,
        };
        let samples = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(samples)) => samples?,
            Some(Err(_)) | None => return Err(ended),
        };
        Ok(silence(&samples))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// When the next probe is due; no burst of probes after a stall.
fn next_due(due: Instant, every: Duration) -> Instant {
    let now = Instant::now();
    let next = due + every;
    if next + STALL < now { now } else { next }
}

#[cfg(test)]
mod tests;
