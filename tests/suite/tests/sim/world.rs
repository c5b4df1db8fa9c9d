//! The simulated cluster: one queue of events in virtual time, so that a seed and a
//! script of faults replay a run.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_speaker::eligibility::DesiredIps;
use ferrolb_speaker::layer2::election::{Action, Cause};
use ferrolb_speaker::layer2::wire::frame::Frame;
use rand::{RngExt, SeedableRng};
use rand_xorshift::XorShiftRng;

use crate::fault::Fault;
use crate::host::Host;
use crate::member::Message;
use crate::net::Net;
use crate::oracle::{Oracle, Scene};
use crate::scene;

/// How often the oracle checks.
const LOOK: Duration = Duration::from_millis(2);

/// An event at a moment.
#[derive(Debug)]
pub(super) enum Event {
    /// A datagram arrives.
    Datagram(usize, usize, Message),
    /// A frame arrives.
    Frame(usize, Frame),
    /// An agent is to be polled.
    Wake(usize, u64),
    /// A member's next round of gossip.
    Round(usize, u64),
    /// A responder passes on the sightings that it held back.
    Flush(usize, u64),
    /// The oracle checks all IPs.
    Look,
}

struct Scheduled {
    at: Instant,
    number: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The size of the cluster, and its loss.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) stations: usize,
    pub(crate) ips: usize,
    /// The share of messages lost on either network.
    pub(crate) loss: f64,
}

/// An IP taken by a station.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) at: Instant,
    pub(crate) by: usize,
    pub(crate) ip: IpAddr,
    pub(crate) cause: Cause,
}

pub(crate) struct World {
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    queue: BinaryHeap<Reverse<Scheduled>>,
    number: u64,
    pub(super) rng: XorShiftRng,
    pub(crate) size: Size,
    pub(crate) ips: Vec<IpAddr>,
    pub(super) hosts: Vec<Host>,
    pub(super) gossip: Net,
    pub(super) lan: Net,
    pub(super) desired: DesiredIps,
    pub(crate) oracle: Oracle,
    /// Every takeover so far.
    pub(crate) taken: Vec<Taken>,
    /// Every decision so far to announce an IP.
    pub(crate) announced: Vec<(Instant, usize, IpAddr)>,
    log: Vec<(Instant, String)>,
}

impl World {
    /// A cluster whose speakers start shortly after each other.
    pub(crate) fn new(size: Size, seed: u64) -> Self {
        let now = Instant::now();
        let ips = scene::ips(size.ips);
        let mut world = Self {
            start: now,
            now,
            queue: BinaryHeap::new(),
            number: 0,
            rng: XorShiftRng::seed_from_u64(seed),
            size,
            hosts: (0..size.stations).map(Host::new).collect(),
            gossip: Net::new(size.stations, size.loss),
            lan: Net::new(size.stations, size.loss),
            desired: scene::desired(size.stations, &ips),
            ips,
            oracle: Oracle::new(now),
            taken: Vec::new(),
            announced: Vec::new(),
            log: Vec::new(),
        };
        world.schedule(now, Event::Look);
        for station in 0..size.stations {
            let pause = world.rng.random_range(0..50);
            world.run(Duration::from_millis(pause));
            world.apply(Fault::Start(station));
        }
        world
    }

    /// A cluster without loss, in which every IP has its owner.
    pub(crate) fn settled(stations: usize, ips: usize, seed: u64) -> Self {
        let loss = 0.0;
        let size = Size {
            stations,
            ips,
            loss,
        };
        let mut world = Self::new(size, seed);
        world.settle();
        world
    }

    /// Runs until every IP has its owner; the oracle forgets what happened before.
    pub(crate) fn settle(&mut self) {
        for _ in 0..40 {
            self.run(Duration::from_millis(100));
            if self.each_has_owners(1) {
                break;
            }
        }
        self.run(Duration::from_millis(500));
        self.oracle.forget();
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(Reverse(next)) = self.queue.peek()
            && next.at <= end
        {
            if let Some(Reverse(next)) = self.queue.pop() {
                self.now = next.at;
                self.handle(next.event);
            }
        }
        self.now = end;
    }

    /// Plays a script of faults from now on.
    pub(crate) fn play(&mut self, script: &[(Duration, Fault)]) {
        let begin = self.now;
        for (at, fault) in script {
            self.run((begin + *at).saturating_duration_since(self.now));
            self.apply(*fault);
        }
    }

    pub(super) fn schedule(&mut self, at: Instant, event: Event) {
        self.number += 1;
        let number = self.number;
        self.queue.push(Reverse(Scheduled { at, number, event }));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Datagram(from, to, message) => self.datagram(from, to, message),
            Event::Frame(to, frame) => self.frame(to, frame),
            Event::Wake(station, start) => self.wake(station, start),
            Event::Round(station, start) => self.round(station, start),
            Event::Flush(station, start) => self.flush(station, start),
            Event::Look => {
                self.look();
                self.schedule(self.now + LOOK, Event::Look);
            }
        }
    }

    pub(super) fn send_datagram(&mut self, from: usize, to: usize, message: &Message) {
        for delay in self.gossip.carry(from, to, &mut self.rng) {
            let event = Event::Datagram(from, to, message.clone());
            self.schedule(self.now + delay, event);
        }
    }

    pub(super) fn send_frame(&mut self, from: usize, frame: Frame) {
        if !self.hosts[from].carrier {
            return;
        }
        let dst = match &frame {
            Frame::Arp(frame) => frame.eth_dst,
            Frame::Ndp(frame) => frame.eth_dst,
        };
        let to = match scene::station(dst) {
            Some(station) if dst.is_unicast() => station..station + 1,
            _ => 0..self.size.stations,
        };
        for to in to.filter(|to| *to != from) {
            for delay in self.lan.carry(from, to, &mut self.rng) {
                self.schedule(self.now + delay, Event::Frame(to, frame));
            }
        }
    }

    /// Records an action.
    pub(super) fn record(&mut self, station: usize, action: &Action) {
        if let Action::TakeOver { ip, cause, .. } = action {
            let (at, by) = (self.now, station);
            let (ip, cause) = (*ip, *cause);
            self.taken.push(Taken { at, by, ip, cause });
            if !matches!(cause, Cause::Fresh | Cause::Failover) {
                self.oracle.plan(ip, self.now);
            }
        }
        if let Action::Announce { ip } | Action::TakeOver { ip, .. } = action {
            self.announced.push((self.now, station, *ip));
        }
        if !matches!(action, Action::Probe { .. }) {
            self.note(format!("node-{station}: {action:?}"));
        }
    }

    pub(super) fn note(&mut self, line: String) {
        self.log.push((self.now, line));
    }

    fn look(&mut self) {
        let sides = 1
            + (0..self.size.stations)
                .map(|it| self.lan.side(it))
                .max()
                .unwrap_or(0);
        let mut owners = vec![Vec::new(); sides * self.ips.len()];
        for host in self.hosts.iter().filter(|it| self.answers(it)) {
            let side = self.lan.side(host.station);
            let process = host.awake_ref();
            for ip in process
                .into_iter()
                .flat_map(|it| it.speaker.table.owned.keys())
            {
                owners[side * self.ips.len() + scene::index(*ip)].push(host.station);
            }
        }
        let now = self.now;
        for (place, owners) in owners.into_iter().enumerate() {
            let (side, ip) = (place / self.ips.len(), self.ips[place % self.ips.len()]);
            if owners.len() == 1 {
                self.oracle.sees_one((side, ip));
                continue;
            }
            let possible = owners.is_empty() && self.is_possible(side, ip);
            let scene = Scene {
                place: (side, ip),
                owners,
                possible,
            };
            self.oracle.look(&scene, now);
        }
    }

    fn answers(&self, host: &Host) -> bool {
        host.may_answer(self.now) && self.lan.works(host.station)
    }

    /// Whether a station on a partition of the LAN may and can answer for an IP.
    fn is_possible(&self, side: usize, ip: IpAddr) -> bool {
        self.hosts.iter().any(|host| {
            let station = host.station;
            self.lan.side(station) == side
                && host.awake_ref().is_some_and(|it| it.speaker.is_willing())
                && self.answers(host)
                && scene::may_announce(&self.desired[&ip], station)
        })
    }

    /// How many IPs each station claims.
    pub(crate) fn loads(&self) -> Vec<usize> {
        let claims = |host: &Host| {
            host.process
                .as_ref()
                .map_or(0, |it| it.speaker.agent.election().claims().count())
        };
        self.hosts.iter().map(claims).collect()
    }

    /// The IPs that a station claims.
    pub(crate) fn claimed_by(&self, station: usize) -> BTreeSet<IpAddr> {
        let process = self.hosts[station].process.as_ref();
        let claims = process
            .into_iter()
            .flat_map(|it| it.speaker.agent.election().claims());
        claims.map(|(ip, _)| ip).collect()
    }

    /// The stations that claim an IP.
    pub(crate) fn owners(&self, ip: IpAddr) -> Vec<usize> {
        let claims = |host: &&Host| {
            let process = host.process.as_ref();
            process.is_some_and(|it| it.speaker.agent.election().claims().any(|(it, _)| it == ip))
        };
        let owners = self.hosts.iter().filter(claims);
        owners.map(|host| host.station).collect()
    }

    /// Whether each IP is claimed by `count` stations.
    pub(crate) fn each_has_owners(&self, count: usize) -> bool {
        self.ips.iter().all(|ip| self.owners(*ip).len() == count)
    }

    /// The takeovers since `from`.
    pub(crate) fn taken_since(&self, from: Instant) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(move |it| it.at >= from)
    }

    /// The log of the second and a half before `at`.
    pub(crate) fn story(&self, at: Instant) -> String {
        let begin = at.checked_sub(Duration::from_millis(1500)).unwrap_or(at);
        let lines = self.log.iter();
        let lines = lines.filter(|(when, _)| (begin..=at).contains(when));
        let lines = lines.map(|(when, line)| format!("{:>10.3?} {line}\n", *when - self.start));
        lines.collect()
    }

    pub(super) fn shared_desired(&self) -> Arc<DesiredIps> {
        Arc::new(self.desired.clone())
    }
}
