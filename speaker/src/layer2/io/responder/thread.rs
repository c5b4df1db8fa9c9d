//! The thread that reads the sockets: it answers, reports, and opens the sockets
//! of new links. `wire::answer` decides what is answered, `wire::sightings` what
//! is reported.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::UnboundedSender;

use super::groups::Groups;
use super::sockets::{SocketTable, Sockets};
use super::stale::{SocketId, Stale};
use super::{Shared, WireEvent};
use crate::host::interfaces::Link;
use crate::layer2::io::socket::{FRAME_ROOM, LinkSocket};
use crate::layer2::wire::answer::{OwnedOnLink, answer};
use crate::layer2::wire::frame::{Frame, group_of};
use crate::layer2::wire::sightings::{Sighting, Sightings, is_of_interest};

/// Frames read from one socket before the next one is served.
const BATCH: usize = 64;

/// Commands of the handle.
#[derive(Debug)]
pub(super) enum Command {
    /// Listen on these links only.
    Links(Vec<Link>),
    /// The owned IPs changed: join and leave their groups.
    Groups,
    /// End.
    Stop,
}

/// The state of the thread.
#[derive(Debug)]
pub(super) struct Responder {
    shared: Arc<Shared>,
    inbox: Receiver<Command>,
    woken: UnixStream,
    events: UnboundedSender<WireEvent>,
    sockets: Sockets,
    groups: Groups,
    sightings: Sightings,
    stale: Stale,
}

impl Responder {
    pub(super) fn new(
        shared: Arc<Shared>,
        inbox: Receiver<Command>,
        woken: UnixStream,
        events: UnboundedSender<WireEvent>,
    ) -> Self {
        Self {
            shared,
            inbox,
            woken,
            events,
            sockets: Sockets::default(),
            groups: Groups::default(),
            sightings: Sightings::default(),
            stale: Stale::default(),
        }
    }

    /// Runs until it receives `Stop` or the handle is gone.
    pub(super) fn run(mut self) {
        while self.run_commands() {
            let table = self.sockets.table();
            self.wait(&table);
            self.notice_expiration(&table);
            for socket in table.iter() {
                self.serve(&table, socket);
            }
            self.run_timers();
        }
    }

    /// Runs the pending commands; false when it is time to end.
    fn run_commands(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Links(links)) => {
                    // A socket opened after an expiration holds nothing from before it.
                    self.notice_expiration(&self.sockets.table());
                    let events = self.sockets.want(links, Instant::now());
                    self.publish(events);
                    self.set_groups();
                }
                Ok(Command::Groups) => self.set_groups(),
                Err(TryRecvError::Empty) => return true,
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Needs the groups of all owned IPs on each of their open links.
    fn set_groups(&mut self) {
        let owned = self.shared.owned.load();
        let groups = owned
            .iter()
            .filter_map(|(ip, links)| Some((group_of(*ip)?, links)));
        let on_links = groups.flat_map(|(group, links)| links.iter().map(move |it| (*it, group)));
        let needed = on_links.filter(|(link, _)| self.sockets.wants(*link));
        self.groups.set(needed.collect(), Instant::now());
        self.work_on_groups();
    }

    fn work_on_groups(&mut self) {
        let events = self.groups.work(Instant::now());
        self.emit(events);
    }

    /// Sleeps until a frame, a command or a deadline. Sockets are non-blocking, so
    /// all of them may be read afterwards.
    fn wait(&mut self, table: &SocketTable) {
        let sockets = table.iter().map(|socket| socket.as_fd());
        let mut fds: Vec<PollFd<'_>> = std::iter::once(self.woken.as_fd())
            .chain(sockets)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        // An interrupted sleep is just shorter.
        let _ = poll(&mut fds, self.poll_timeout());
        let mut tokens = [0; 64];
        while matches!((&self.woken).read(&mut tokens), Ok(1..)) {}
    }

    fn poll_timeout(&self) -> PollTimeout {
        let deadlines = [
            self.sightings.ends(),
            self.sockets.retry_at(),
            self.groups.due(),
        ];
        let Some(first) = deadlines.into_iter().flatten().min() else {
            return PollTimeout::NONE;
        };
        let rest = first.saturating_duration_since(Instant::now());
        let rounded_up = rest + Duration::from_micros(999);
        PollTimeout::try_from(rounded_up).unwrap_or(PollTimeout::MAX)
    }

    fn serve(&mut self, table: &SocketTable, socket: &LinkSocket) {
        let mut buffer = [0; FRAME_ROOM];
        for _ in 0..BATCH {
            match socket.receive(&mut buffer) {
                Ok(Some(length)) => {
                    let frame = buffer.get(..length).unwrap_or_default();
                    self.handle(table, socket, frame);
                }
                Ok(None) => {
                    self.stale.emptied(id(socket));
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let event = self.sockets.fail(socket.link(), &error, Instant::now());
                    return self.publish(event);
                }
            }
        }
    }

    fn handle(&mut self, table: &SocketTable, socket: &LinkSocket, bytes: &[u8]) {
        let counters = Arc::clone(&self.shared.counters);
        let Ok(frame) = Frame::parse(socket.family(), bytes) else {
            return counters.of(socket.family()).malformed.increment();
        };
        if table.is_own_mac(frame.sender()) || table.is_own_mac(frame.eth_src()) {
            return;
        }
        let owned = self.shared.owned.load_full();
        let owned = OwnedOnLink::new(&owned, socket.link());
        self.reply(table, socket, &frame, owned);
        self.report(socket.link(), &frame, owned);
    }

    fn report(&mut self, link: u32, frame: &Frame, owned: OwnedOnLink<'_>) {
        let (ip, kind) = frame.claim();
        if !is_of_interest(kind, ip, owned, &self.shared.watched.load()) {
            return;
        }
        let passed = self.sightings.observe(Sighting {
            link,
            ip,
            mac: frame.sender(),
            kind,
            at: Instant::now(),
        });
        self.emit(passed.map(WireEvent::Seen));
    }

    fn reply(
        &mut self,
        table: &SocketTable,
        socket: &LinkSocket,
        frame: &Frame,
        owned: OwnedOnLink<'_>,
    ) {
        let Some(reply) = answer(frame, socket.mac(), owned) else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        let counters = shared.counters.of(socket.family());
        counters.requests.increment();
        if !self.may_answer(table, socket) {
            counters.dropped_mute.increment();
        } else if socket.send(&reply.emit()).is_ok() {
            counters.answers.increment();
        } else {
            counters.send_errors.increment();
        }
    }

    /// The deadline is read before the number of expirations, so that a renewed
    /// deadline is never seen without the expiration before it.
    fn may_answer(&mut self, table: &SocketTable, socket: &LinkSocket) -> bool {
        let allows = self.shared.watchdog.allows();
        self.notice_expiration(table);
        allows && !self.stale.contains(id(socket))
    }

    /// After an expiration every socket is stale until it has been read empty.
    /// The renewal wakes this thread, so that happens at once.
    fn notice_expiration(&mut self, table: &SocketTable) {
        let open = table.iter().map(id);
        self.stale.notice(self.shared.watchdog.expirations(), open);
    }

    fn run_timers(&mut self) {
        let now = Instant::now();
        let kept = self.sightings.flush(now);
        self.emit(kept.into_iter().map(WireEvent::Seen));
        let retried = self.sockets.retry(now);
        if !retried.is_empty() {
            self.publish(retried);
        }
        self.work_on_groups();
    }

    /// Publishes a change of sockets: first the table, then the events.
    fn publish(&self, events: impl IntoIterator<Item = WireEvent>) {
        self.shared.sockets.store(self.sockets.table());
        self.emit(events);
    }

    fn emit(&self, events: impl IntoIterator<Item = WireEvent>) {
        for event in events {
            // Without a receiver the engine is gone and this thread will end.
            let _ = self.events.send(event);
        }
    }
}

fn id(socket: &LinkSocket) -> SocketId {
    (socket.link(), socket.family())
}
