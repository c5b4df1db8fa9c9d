//! A prober: asks the sample workload again and again from inside a network
//! namespace and says for how long nobody answered. Here are the handle and
//! what can be asked for; `udp` and `http` do the asking, `log` keeps what
//! happened, `tally` counts while it happens, `report` (pure) draws the
//! conclusion.
//!
//! It runs on threads of the calling program that have entered the namespace:
//! sockets belong to the namespace of the thread that opened them, so no second
//! process has to be found, started and stopped.

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

/// Being late by more than this, the prober gives up the probes it missed.
const STALL: Duration = Duration::from_millis(50);
/// How long one look for news takes at most.
const LOOK: Duration = Duration::from_millis(100);

/// How the workload is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// One datagram per probe.
    Udp,
    /// One new TCP connection and one GET per probe: what a loop of curl feels.
    Http,
}

/// Whom to ask, how, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// How to ask.
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

/// Why probing failed; silence is a result, not an error.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The network namespace could not be entered.
    #[error("entering network namespace {namespace} to probe from there")]
    Enter {
        /// The namespace's name.
        namespace: String,
        /// The reason.
        #[source]
        source: Box<LabError>,
    },
    /// The thread that probes could not be started.
    #[error("starting the prober of {addr}")]
    Start {
        /// Who was to be asked.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Waiting for answers failed.
    #[error("waiting for answers from {addr}")]
    Wait {
        /// Who was asked.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The report could not be written out.
    #[error("writing what was heard")]
    Tell(#[source] io::Error),
    /// The thread that probes died.
    #[error("the prober of {addr} ended early")]
    Ended {
        /// Who was asked.
        addr: SocketAddr,
    },
}

/// A prober at work. Dropped without [`Probe::finish`], it stops by itself.
#[derive(Debug)]
pub struct Probe {
    target: Target,
    stop: Arc<AtomicBool>,
    heard: Receiver<Arc<Responder>>,
    tally: Arc<Tally>,
    thread: Option<JoinHandle<Result<Vec<Sample>, ProbeError>>>,
}

impl Probe {
    /// Starts probing from the named network namespace (as `ip netns` lists it).
    pub fn start(namespace: &str, target: Target) -> Result<Self, ProbeError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, heard) = mpsc::channel();
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
            heard,
            tally,
            thread: Some(thread),
        })
    }

    /// Waits until the workload is heard from one that `wanted` accepts; only
    /// changes of who answers are looked at, beginning with the first answer
    /// or with where the last call ended. Nothing if the time runs out.
    pub fn wait_for(
        &self,
        within: Duration,
        mut wanted: impl FnMut(&Responder) -> bool,
    ) -> Option<Responder> {
        let deadline = Instant::now() + within;
        loop {
            match self
                .heard
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(responder) if wanted(&responder) => return Some((*responder).clone()),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Like [`Probe::wait_for`], but running out of time is an error that says
    /// what was waited for, and an interrupt ends the wait.
    pub fn expect(
        &self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&Responder) -> bool,
    ) -> Result<Responder, LabError> {
        let mut last = "nobody answered".to_owned();
        wait::until(what, within, || {
            let look = |by: &Responder| {
                last = by.to_string();
                wanted(by)
            };
            self.wait_for(LOOK, look).ok_or_else(|| last.clone())
        })
    }

    /// Waits until one and the same has answered so many of the probes sent from
    /// now on: what follows a change belongs to what the client felt, and who
    /// took over may itself be followed by a third.
    pub fn expect_further(&self, count: usize, within: Duration) -> Result<(), LabError> {
        self.tally.begin();
        let what = format!("one and the same to answer {count} further probes");
        wait::until(&what, within, || match self.tally.answered() {
            enough if enough >= count => Ok(()),
            few => Err(format!("{few} were answered")),
        })
    }

    /// Stops, waits a moment for late answers, and reports.
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

/// When the next probe is due: on time, but after a stall not in a burst.
fn next_due(due: Instant, every: Duration) -> Instant {
    let now = Instant::now();
    let next = due + every;
    if next + STALL < now { now } else { next }
}

#[cfg(test)]
mod tests;
