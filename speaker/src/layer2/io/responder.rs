//! The handle to the responder, for the engine. The responder runs on a thread of
//! its own (`thread.rs`), not on the async runtime, so that a busy runtime does
//! not delay answers.

mod groups;
mod sockets;
mod stale;
mod thread;

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;

use self::sockets::SocketTable;
use self::thread::{Command, Responder};
use super::counters::WireCounters;
use super::socket::{SocketError, check_privilege};
use super::watchdog::Watchdog;
use crate::host::interfaces::Link;
use crate::layer2::wire::answer::Owned;
use crate::layer2::wire::frame::{Frame, Purpose};
use crate::layer2::wire::sightings::Sighting;

/// What the responder reports to the engine. The channel closes when its thread
/// ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireEvent {
    /// Another host claimed a watched IP, or tested whether it may have an IP
    /// that is owned here and was refused. Repetitions are thinned out.
    Seen(Sighting),
    /// A link has no working sockets. They are retried four times a second until
    /// `LinkOpened`, or until the link leaves the set.
    LinkFailed {
        /// Kernel index of the link.
        link: u32,
        /// The error, with causes.
        error: String,
    },
    /// A link has working sockets, for either family.
    LinkOpened {
        /// Kernel index of the link.
        link: u32,
    },
    /// Solicitations for some owned IPv6 addresses do not arrive on a link. Joining
    /// is retried four times a second until the group is no longer needed.
    GroupFailed {
        /// Kernel index of the link.
        link: u32,
        /// The solicited-node group that could not be joined.
        group: Ipv6Addr,
        /// The error, with causes.
        error: String,
    },
}

/// The responder cannot be used.
#[derive(Debug, Error)]
pub enum WireError {
    /// Packet sockets are unavailable.
    #[error("packet sockets are unavailable")]
    Socket(#[from] SocketError),
    /// No thread, or no channel to wake it.
    #[error("cannot start the responder thread")]
    Start(#[source] io::Error),
    /// There is no open socket on that link.
    #[error("no open socket on link {0}")]
    NotOpen(u32),
    /// The kernel rejected the frame, possibly because of full buffers.
    #[error("cannot send on link {link}")]
    Send {
        /// Kernel index of the link.
        link: u32,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// The responder of one speaker. Cheap to clone; its thread ends with
/// [`Wire::stop`] or with the last clone.
#[derive(Debug, Clone)]
pub struct Wire(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    commands: Sender<Command>,
    wake: UnixStream,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// State that the engine writes and the responder's thread reads without waiting.
#[derive(Debug, Default)]
struct Shared {
    owned: ArcSwap<Owned>,
    watched: ArcSwap<HashSet<IpAddr>>,
    sockets: ArcSwap<SocketTable>,
    watchdog: Watchdog,
    counters: Arc<WireCounters>,
}

impl Wire {
    /// Starts the thread, in the network namespace of the caller. It does not
    /// answer before it has links, owned IPs and a renewed watchdog.
    ///
    /// # Errors
    /// Without `CAP_NET_RAW`, or when the thread cannot be started.
    pub fn start(
        events: UnboundedSender<WireEvent>,
        counters: Arc<WireCounters>,
    ) -> Result<Self, WireError> {
        check_privilege()?;
        let shared = Arc::new(Shared {
            counters,
            ..Shared::default()
        });
        let (wake, woken) = wake_pair().map_err(WireError::Start)?;
        let (commands, inbox) = mpsc::channel();
        let responder = Responder::new(Arc::clone(&shared), inbox, woken, events);
        let thread = std::thread::Builder::new()
            .name("wire".to_owned())
            .spawn(move || responder.run())
            .map_err(WireError::Start)?;
        Ok(Self(Arc::new(Handle {
            shared,
            commands,
            wake,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Sets all links to listen on: sockets of others are closed, and those of a
    /// link whose hardware address changed are reopened. Returns at once;
    /// `LinkOpened` or `LinkFailed` follows for each new one.
    pub fn set_links(&self, links: Vec<Link>) {
        self.0.send_command(Command::Links(links));
    }

    /// Sets all IPs to answer for, each with its links; effective on return. The
    /// groups of IPv6 addresses are then joined and left on the thread.
    pub fn set_owned(&self, owned: Owned) {
        self.0.shared.owned.store(Arc::new(owned));
        self.0.send_command(Command::Groups);
    }

    /// Sets all IPs for which claims of other hosts are reported.
    pub fn set_watched(&self, ips: HashSet<IpAddr>) {
        self.0.shared.watched.store(Arc::new(ips));
    }

    /// Renews the watchdog: answers are allowed until `until`. A time in the past
    /// mutes at once. Requests that wait in a socket when an expired watchdog is
    /// renewed are dropped. Reports and [`Wire::send`] work while mute.
    pub fn renew(&self, until: Instant) {
        if self.0.shared.watchdog.renew(until) {
            self.0.wake();
        }
    }

    /// Sends a frame on a link; never waits.
    ///
    /// # Errors
    /// When the link has no socket, or the kernel rejects the frame.
    pub fn send(&self, link: u32, frame: &Frame) -> Result<(), WireError> {
        self.0.shared.send(link, frame)
    }

    /// Ends the thread and waits for it; no answers afterwards. Other clones
    /// become useless.
    pub fn stop(self) {
        self.0.stop();
    }
}

impl Shared {
    fn send(&self, link: u32, frame: &Frame) -> Result<(), WireError> {
        let sockets = self.sockets.load();
        let socket = sockets
            .get(link, frame.family())
            .ok_or(WireError::NotOpen(link))?;
        let counters = self.counters.of(frame.family());
        if let Err(source) = socket.send(&frame.emit()) {
            counters.send_errors.increment();
            return Err(WireError::Send { link, source });
        }
        match frame.purpose() {
            Purpose::Probe => counters.probes_sent.increment(),
            Purpose::Announcement => counters.announcements_sent.increment(),
            Purpose::Other => {}
        }
        Ok(())
    }
}

impl Handle {
    fn send_command(&self, command: Command) {
        // A thread that has ended needs no command.
        if self.commands.send(command).is_ok() {
            self.wake();
        }
    }

    fn wake(&self) {
        // A full channel wakes the thread just as well.
        let _ = (&self.wake).write(&[1]);
    }

    fn stop(&self) {
        self.send_command(Command::Stop);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // A panic of the thread was reported when it happened.
        let _ = thread.map(JoinHandle::join);
        self.shared.sockets.store(Arc::default());
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

fn wake_pair() -> io::Result<(UnixStream, UnixStream)> {
    let (wake, woken) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    Ok((wake, woken))
}
