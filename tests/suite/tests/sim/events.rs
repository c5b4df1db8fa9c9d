//! The event handlers: which part of which machine does what, and what it sends.

use std::sync::Arc;
use std::time::Duration;

use ferrolb_speaker::layer2::wire::frame::Frame;
use ferrolb_speaker::layer2::wire::sightings::Sighting;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::fault::Fault;
use crate::host::{Freeze, Process};
use crate::member::{Message, node_name};
use crate::scene::{self, INTERVAL};
use crate::world::{Event, World};

/// Every how many rounds the speaker contacts peers that it does not hear.
const CONTACT_EVERY: usize = 2;

/// Parts of a thawed process, which run in any order.
#[derive(Debug, Clone, Copy)]
enum Part {
    Gossip,
    Responder,
    Engine,
}

impl World {
    fn process(&mut self, station: usize) -> Option<&mut Process> {
        self.hosts[station].awake()
    }

    pub(super) fn datagram(&mut self, from: usize, to: usize, message: Message) {
        let now = self.now;
        let Some(process) = self.process(to) else {
            return self.hosts[to].keep_datagram(from, message);
        };
        let answer = process.member.receive(&message, now);
        if let Some(answer) = answer {
            self.send_datagram(to, from, &answer);
        }
        self.show(to);
    }

    /// Gives the speaker the gossip view, if it changed.
    fn show(&mut self, station: usize) {
        let now = self.now;
        let Some(process) = self.process(station) else {
            return;
        };
        if let Some(view) = process.member.refresh(now) {
            process.speaker.view_changed(view);
            self.poll(station);
        }
    }

    pub(super) fn round(&mut self, station: usize, start: u64) {
        if self.hosts[station].process.as_ref().map(|it| it.start) != Some(start) {
            return;
        }
        self.schedule(self.now + INTERVAL, Event::Round(station, start));
        self.gossip_round(station);
    }

    fn gossip_round(&mut self, station: usize) {
        let (now, stations) = (self.now, self.size.stations);
        let Some(process) = self.hosts[station].awake() else {
            return;
        };
        let mut chosen = process.member.round(now, &mut self.rng);
        process.rounds += 1;
        if process.rounds.is_multiple_of(CONTACT_EVERY) {
            let round = process.rounds / CONTACT_EVERY;
            chosen.extend(process.member.to_contact(stations, round));
        }
        let syn = process.member.syn();
        for to in chosen {
            self.send_datagram(station, to, &syn);
        }
        self.show(station);
    }

    pub(super) fn frame(&mut self, to: usize, frame: Frame) {
        if !self.hosts[to].carrier {
            return;
        }
        if let Some(reply) = self.hosts[to].kernel(&frame) {
            self.send_frame(to, reply);
        }
        let mute = !self.hosts[to].may_answer(self.now);
        if let Some(seen) = self.read(to, &frame, mute) {
            self.sighted(to, &seen);
            self.poll(to);
        }
    }

    /// A responder reads a frame; it is queued if the process is frozen.
    fn read(&mut self, station: usize, frame: &Frame, mute: bool) -> Option<Sighting> {
        let (now, mac) = (self.now, self.hosts[station].mac());
        let Some(process) = self.process(station) else {
            self.hosts[station].keep_frame(*frame);
            return None;
        };
        let (reply, seen) = process.read(frame, mac, mute, now);
        let ends = process.sightings.ends();
        if let Some(at) = ends.filter(|_| process.flush_at.is_none()) {
            process.flush_at = Some(at);
            let start = process.start;
            self.schedule(at, Event::Flush(station, start));
        }
        if let Some(reply) = reply {
            self.send_frame(station, reply);
        }
        seen
    }

    pub(super) fn flush(&mut self, station: usize, start: u64) {
        let now = self.now;
        let Some(process) = self.process(station).filter(|it| it.start == start) else {
            return;
        };
        let passed = process.sightings.flush(now);
        process.flush_at = process.sightings.ends();
        let next = process.flush_at;
        if let Some(at) = next {
            self.schedule(at, Event::Flush(station, start));
        }
        for seen in &passed {
            self.sighted(station, seen);
        }
        if !passed.is_empty() {
            self.poll(station);
        }
    }

    fn sighted(&mut self, station: usize, seen: &Sighting) {
        if let Some(process) = self.process(station) {
            process.speaker.agent.observe(seen);
            self.carry_out(station);
        }
    }

    pub(super) fn wake(&mut self, station: usize, start: u64) {
        let now = self.now;
        let process = self.process(station).filter(|it| it.start == start);
        if process.is_some_and(|it| it.wake_at == Some(now)) {
            self.poll(station);
        }
    }

    /// The engine polls the agent.
    fn poll(&mut self, station: usize) {
        let now = self.now;
        let Some(process) = self.process(station) else {
            return;
        };
        process.speaker.poll(now);
        let left = process.speaker.agent.has_left(now);
        self.carry_out(station);
        if left {
            self.leave(station);
        } else {
            self.plan_turn(station);
        }
    }

    fn plan_turn(&mut self, station: usize) {
        let now = self.now;
        let Some(process) = self.process(station) else {
            return;
        };
        let next = process.speaker.agent.next_timeout();
        let next = next.max(now + Duration::from_micros(1));
        if process.wake_at != Some(next) {
            process.wake_at = Some(next);
            let start = process.start;
            self.schedule(next, Event::Wake(station, start));
        }
    }

    fn leave(&mut self, station: usize) {
        if let Some(process) = self.process(station) {
            let unclaimed = process.speaker.agent.retire();
            self.publish(station, &unclaimed);
        }
        self.note(format!("node-{station}: left"));
        self.hosts[station].process = None;
    }

    /// Applies a fault, or its end.
    pub(crate) fn apply(&mut self, fault: Fault) {
        self.note(format!("fault: {fault:?}"));
        self.oracle.disturb(self.now);
        match fault {
            Fault::Lan(station, side) => self.lan.put(station, side),
            Fault::Gossip(station, side) => self.gossip.put(station, side),
            Fault::Tx(station, works) => set(&mut self.lan.tx_dead, station, !works),
            Fault::Rx(station, works) => set(&mut self.lan.rx_dead, station, !works),
            Fault::Carrier(station, carrier) => self.carrier(station, carrier),
            Fault::Freeze(station, freeze) => self.freeze(station, freeze),
            Fault::Kill(station) => self.hosts[station].process = None,
            Fault::Off(station) => {
                self.hosts[station].process = None;
                self.hosts[station].on = false;
            }
            Fault::Start(station) => self.start(station),
            Fault::Drain(station) => {
                let now = self.now;
                if let Some(process) = self.process(station) {
                    process.speaker.agent.drain(now);
                    self.poll(station);
                }
            }
            Fault::Ineligible(station, ip, ineligible) => {
                let ip = self.ips[ip];
                if let Some(desired_ip) = self.desired.get_mut(&ip) {
                    scene::set_ineligible(desired_ip, station, ineligible);
                }
                self.desired_changed();
            }
            Fault::Prefer(station, ip, score) => {
                let ip = self.ips[ip];
                let nodes = self
                    .desired
                    .get_mut(&ip)
                    .map(|it| &mut Arc::make_mut(it).nodes);
                if let Some(node) = nodes.and_then(|it| it.get_mut(&node_name(station))) {
                    node.score = score;
                }
                self.desired_changed();
            }
        }
    }

    /// The API server reports the desired IPs to every speaker.
    fn desired_changed(&mut self) {
        let desired = self.shared_desired();
        for station in 0..self.size.stations {
            if let Some(process) = self.hosts[station].process.as_mut() {
                process.speaker.set_desired(desired.clone());
                self.poll(station);
            }
        }
    }

    fn carrier(&mut self, station: usize, carrier: bool) {
        self.hosts[station].carrier = carrier;
        self.links_changed(station);
    }

    /// The kernel reports the links with carrier to the speaker.
    fn links_changed(&mut self, station: usize) {
        let carrier = self.hosts[station].carrier;
        let now = self.now;
        if let Some(process) = self.hosts[station].process.as_mut() {
            let links = carrier.then(|| scene::link(station));
            process
                .speaker
                .agent
                .links_changed(links.into_iter().collect(), now);
            self.poll(station);
        }
    }

    fn start(&mut self, station: usize) {
        self.hosts[station].on = true;
        self.hosts[station].freeze = Freeze::No;
        if self.hosts[station].process.is_some() {
            return;
        }
        let (now, desired) = (self.now, self.shared_desired());
        let start = self.hosts[station].start(self.size.stations, desired, now);
        let phase = self.rng.random_range(0..50_000);
        let first = now + Duration::from_micros(phase);
        self.schedule(first, Event::Round(station, start));
        self.links_changed(station);
    }

    fn freeze(&mut self, station: usize, freeze: Freeze) {
        let before = std::mem::replace(&mut self.hosts[station].freeze, freeze);
        if before != Freeze::No && freeze == Freeze::No {
            self.thaw(station);
        }
    }

    /// Everything that was queued is due at once, in any order.
    fn thaw(&mut self, station: usize) {
        let mut parts = [Part::Gossip, Part::Responder, Part::Engine];
        parts.shuffle(&mut self.rng);
        let mute = !self.hosts[station].may_answer(self.now);
        for part in parts {
            match part {
                Part::Gossip => self.thaw_gossip(station),
                Part::Responder => self.thaw_responder(station, mute),
                Part::Engine => self.poll(station),
            }
        }
    }

    fn thaw_gossip(&mut self, station: usize) {
        if self.rng.random_bool(0.5) {
            self.gossip_round(station);
        }
        let Some(process) = self.process(station) else {
            return;
        };
        for (from, message) in std::mem::take(&mut process.datagrams) {
            self.datagram(from, station, message);
        }
    }

    /// Queued frames are reported; they are answered only if the watchdog did not expire.
    fn thaw_responder(&mut self, station: usize, mute: bool) {
        let Some(process) = self.process(station) else {
            return;
        };
        let frames = std::mem::take(&mut process.frames);
        let mut passed: Vec<Sighting> = Vec::new();
        for frame in &frames {
            passed.extend(self.read(station, frame, mute));
        }
        let start = self.hosts[station].starts;
        for seen in &passed {
            self.sighted(station, seen);
        }
        self.poll(station);
        self.flush(station, start);
    }
}

fn set(dead: &mut std::collections::BTreeSet<usize>, station: usize, is_dead: bool) {
    if is_dead {
        dead.insert(station);
    } else {
        dead.remove(&station);
    }
}
