//! One machine: a kernel that answers for its own addresses, and a speaker with its
//! gossip member and responder, which may be killed, frozen and restarted.

use std::collections::BTreeSet;
use std::time::Instant;

use ferrolb_core::mac::Mac;
use ferrolb_speaker::layer2::wire::answer::{Owned, OwnedOnLink, answer};
use ferrolb_speaker::layer2::wire::frame::Frame;
use ferrolb_speaker::layer2::wire::sightings::{Sighting, Sightings, is_of_interest};

use crate::member::{Member, Message, gossip_address, node_name};
use crate::scene::{INTERVAL, LINK, addresses, mac};
use crate::speaker::{Desired, Speaker};

/// The sockets' queues are bounded.
const DATAGRAMS: usize = 300;
const FRAMES: usize = 1000;

/// Which part of a machine is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freeze {
    /// Nothing.
    No,
    /// The speaker's process: its messages are queued.
    Process,
    /// All of it: messages are lost.
    Machine,
}

/// A running speaker.
pub(crate) struct Process {
    pub(crate) start: u64,
    pub(crate) speaker: Speaker,
    pub(crate) member: Member,
    pub(crate) sightings: Sightings,
    pub(crate) rounds: usize,
    /// When its agent is polled at the latest.
    pub(crate) wake_at: Option<Instant>,
    pub(crate) flush_at: Option<Instant>,
    /// Queued while it was frozen.
    pub(crate) datagrams: Vec<(usize, Message)>,
    pub(crate) frames: Vec<Frame>,
}

pub(crate) struct Host {
    pub(crate) station: usize,
    own: Owned,
    pub(crate) starts: u64,
    pub(crate) process: Option<Process>,
    pub(crate) freeze: Freeze,
    pub(crate) on: bool,
    pub(crate) carrier: bool,
}

impl Host {
    pub(crate) fn new(station: usize) -> Self {
        let own = addresses(station).map(|ip| (ip, BTreeSet::from([LINK])));
        Self {
            station,
            own: own.into(),
            starts: 0,
            process: None,
            freeze: Freeze::No,
            on: true,
            carrier: true,
        }
    }

    pub(crate) fn mac(&self) -> Mac {
        mac(self.station)
    }

    /// Starts a speaker without any state.
    pub(crate) fn start(&mut self, members: usize, desired: Desired, now: Instant) -> u64 {
        self.starts += 1;
        let peers = (0..members).filter(|it| *it != self.station);
        let peers = peers.map(gossip_address).collect();
        let who = (self.station, self.starts);
        self.process = Some(Process {
            start: self.starts,
            speaker: Speaker::new(node_name(self.station), peers, desired, now),
            member: Member::new(who, INTERVAL),
            sightings: Sightings::default(),
            rounds: 0,
            wake_at: None,
            flush_at: None,
            datagrams: Vec::new(),
            frames: Vec::new(),
        });
        self.starts
    }

    /// The speaker, if it runs and is not frozen.
    pub(crate) fn awake(&mut self) -> Option<&mut Process> {
        let runs = self.on && self.freeze == Freeze::No;
        self.process.as_mut().filter(|_| runs)
    }

    /// The same, to read from.
    pub(crate) fn awake_ref(&self) -> Option<&Process> {
        let runs = self.on && self.freeze == Freeze::No;
        self.process.as_ref().filter(|_| runs)
    }

    /// Whether the speaker answers at `now`, as far as this machine goes.
    pub(crate) fn may_answer(&self, now: Instant) -> bool {
        let process = self.awake_ref();
        let until = process.and_then(|it| it.speaker.table.renewed_until);
        self.carrier && until.is_some_and(|until| now < until)
    }

    /// The kernel's own answer.
    pub(crate) fn kernel(&self, frame: &Frame) -> Option<Frame> {
        let runs = self.on && self.freeze != Freeze::Machine;
        let answer = answer(frame, self.mac(), OwnedOnLink::new(&self.own, LINK));
        answer.filter(|_| runs)
    }

    /// Queues a datagram for a frozen process.
    pub(crate) fn keep_datagram(&mut self, from: usize, message: Message) {
        let queues = self.on && self.freeze == Freeze::Process;
        if let Some(process) = self.process.as_mut().filter(|_| queues)
            && process.datagrams.len() < DATAGRAMS
        {
            process.datagrams.push((from, message));
        }
    }

    /// Queues a frame for a frozen process.
    pub(crate) fn keep_frame(&mut self, frame: Frame) {
        let queues = self.on && self.freeze == Freeze::Process;
        if let Some(process) = self.process.as_mut().filter(|_| queues)
            && process.frames.len() < FRAMES
        {
            process.frames.push(frame);
        }
    }
}

impl Process {
    /// The responder reads a frame: its answer, and what it reports to the engine.
    pub(crate) fn read(
        &mut self,
        frame: &Frame,
        mac: Mac,
        mute: bool,
        now: Instant,
    ) -> (Option<Frame>, Option<Sighting>) {
        let table = &self.speaker.table;
        let owned = OwnedOnLink::new(&table.owned, LINK);
        let (ip, kind) = frame.claim();
        let relevant = is_of_interest(kind, ip, owned, &table.watched);
        let reply = answer(frame, mac, owned).filter(|_| !mute);
        let sighting = Sighting {
            link: LINK,
            ip,
            mac: frame.sender(),
            kind,
            at: now,
        };
        let passed = relevant.then(|| self.sightings.observe(sighting)).flatten();
        (reply, passed)
    }
}
