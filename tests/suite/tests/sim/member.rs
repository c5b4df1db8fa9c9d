//! One member of the gossip cluster, behaving like chitchat and the driver: digests and
//! deltas in three messages, a heartbeat with each, and contacts to peers that are not
//! heard. What the speaker sees of that is decided by the shipped roster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ferrolb_speaker::gossip::{Incarnation, Observation, Roster, View};
use ferrolb_speaker::layer2::gossip_keys::KeyChange;
use rand::RngExt;
use rand::seq::IteratorRandom;
use rand_xorshift::XorShiftRng;

use crate::detector::Detector;

/// The number of live members to gossip with in one round.
const FAN_OUT: usize = 3;
/// Intervals of silence before a live member is shown as dead.
const QUIET_INTERVALS: u32 = 3;
/// The most unheard peers contacted at once.
const CONTACT_MOST: usize = 8;

/// One start of one station's speaker.
pub(crate) type Who = (usize, u64);

#[derive(Debug, Default)]
pub(crate) struct State {
    version: u64,
    keys: BTreeMap<String, String>,
}

type Digest = Vec<(Who, u64, u64)>;
type Delta = Vec<(Who, Rc<State>)>;

/// The messages between members.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Syn(Rc<Digest>),
    SynAck(Rc<Digest>, Rc<Delta>),
    Ack(Rc<Delta>),
}

#[derive(Debug)]
struct Peer {
    heartbeat: u64,
    state: Rc<State>,
    detector: Detector,
}

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    own: Who,
    heartbeat: u64,
    state: Rc<State>,
    interval: Duration,
    peers: BTreeMap<Who, Peer>,
    roster: Roster,
}

impl Member {
    pub(crate) fn new(own: Who, interval: Duration) -> Self {
        Self {
            own,
            heartbeat: 0,
            state: Rc::default(),
            interval,
            peers: BTreeMap::new(),
            roster: Roster::new(incarnation(own), interval * QUIET_INTERVALS),
        }
    }

    /// Sets and deletes own keys; returns the members to inform at once.
    pub(crate) fn publish(&mut self, changes: &[KeyChange]) -> BTreeSet<usize> {
        let mut keys = self.state.keys.clone();
        for (key, value) in changes {
            match value {
                Some(value) => keys.insert(key.clone(), value.clone()),
                None => keys.remove(key),
            };
        }
        if keys == self.state.keys {
            return BTreeSet::new();
        }
        let version = self.state.version + 1;
        self.state = Rc::new(State { version, keys });
        self.live().collect()
    }

    /// Opens an exchange.
    pub(crate) fn syn(&self) -> Message {
        Message::Syn(Rc::new(self.digest()))
    }

    /// One round: the members to open an exchange with. Then decides who is alive.
    pub(crate) fn round(&mut self, now: Instant, rng: &mut XorShiftRng) -> Vec<usize> {
        self.heartbeat += 1;
        let live: BTreeSet<usize> = self.live().collect();
        let known: BTreeSet<usize> = self.peers.keys().map(|(station, _)| *station).collect();
        let among = if live.is_empty() { &known } else { &live };
        let mut chosen = among.iter().copied().sample(rng, FAN_OUT);
        let dead = self.peers.iter().filter(|(_, peer)| !peer.detector.live);
        let dead: Vec<usize> = dead.map(|((station, _), _)| *station).collect();
        let size = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        if size(dead.len()) / size(live.len() + 1) > rng.random::<f64>() {
            chosen.extend(dead.iter().copied().choose(rng));
        }
        for peer in self.peers.values_mut() {
            peer.detector.judge(now);
        }
        chosen
    }

    /// The stations to contact, of `stations` expected ones.
    pub(crate) fn to_contact(&self, stations: usize, round: usize) -> Vec<usize> {
        let peers = (0..stations).map(gossip_address).collect();
        let addresses = self.roster.to_contact(&peers, round, CONTACT_MOST);
        addresses.into_iter().filter_map(station_at).collect()
    }

    /// Receives a message; returns the answer.
    pub(crate) fn receive(&mut self, message: &Message, now: Instant) -> Option<Message> {
        self.heartbeat += 1;
        match message {
            Message::Syn(digest) => {
                self.note_heartbeats(digest, now);
                let delta = self.delta(digest);
                Some(Message::SynAck(Rc::new(self.digest()), Rc::new(delta)))
            }
            Message::SynAck(digest, delta) => {
                self.note_heartbeats(digest, now);
                self.apply(delta);
                Some(Message::Ack(Rc::new(self.delta(digest))))
            }
            Message::Ack(delta) => {
                self.apply(delta);
                None
            }
        }
    }

    /// The new view, if it differs from the one before.
    pub(crate) fn refresh(&mut self, now: Instant) -> Option<View> {
        let peers = self.peers.iter();
        let peers =
            peers.map(|(who, peer)| (*who, peer.heartbeat, &peer.state, peer.detector.live));
        let own = (self.own, self.heartbeat, &self.state, true);
        let all = peers.chain([own]);
        let observations = all.map(|(who, beat, state, alive)| {
            let (who, version) = (incarnation(who), (0, state.version));
            let known = self.roster.version(&who) == Some(version);
            Observation {
                beat,
                version,
                alive,
                state: (!known).then(|| state.keys.clone()),
                who,
            }
        });
        let observations = observations.collect();
        self.roster.update(observations, now)
    }

    fn live(&self) -> impl Iterator<Item = usize> {
        let live = self.peers.iter().filter(|(_, peer)| peer.detector.live);
        live.map(|((station, _), _)| *station)
    }

    fn digest(&self) -> Digest {
        let peers = self.peers.iter();
        let peers = peers.map(|(who, peer)| (*who, peer.heartbeat, peer.state.version));
        let own = (self.own, self.heartbeat, self.state.version);
        peers.chain([own]).collect()
    }

    /// What the sender of a digest does not have yet.
    fn delta(&self, digest: &Digest) -> Delta {
        let version = |who: Who| {
            let mut all = digest.iter();
            all.find(|(it, _, _)| *it == who)
                .map_or(0, |(_, _, it)| *it)
        };
        let peers = self.peers.iter().map(|(who, peer)| (*who, &peer.state));
        let all = peers.chain([(self.own, &self.state)]);
        let news = all.filter(|(who, state)| state.version > version(*who));
        news.map(|(who, state)| (who, Rc::clone(state))).collect()
    }

    fn note_heartbeats(&mut self, digest: &Digest, now: Instant) {
        let own = self.own;
        for (who, heartbeat, _) in digest.iter().filter(|(who, _, _)| *who != own) {
            let peer = self.peer(*who);
            if *heartbeat > peer.heartbeat {
                peer.heartbeat = *heartbeat;
                peer.detector.heartbeat(now);
            }
        }
    }

    fn apply(&mut self, delta: &Delta) {
        let own = self.own;
        for (who, state) in delta.iter().filter(|(who, _)| *who != own) {
            let peer = self.peer(*who);
            if state.version > peer.state.version {
                peer.state = Rc::clone(state);
            }
        }
    }

    fn peer(&mut self, who: Who) -> &mut Peer {
        let interval = self.interval;
        self.peers.entry(who).or_insert_with(|| Peer {
            heartbeat: 0,
            state: Rc::default(),
            detector: Detector::new(interval),
        })
    }
}

fn incarnation((station, generation): Who) -> Incarnation {
    Incarnation {
        node: node_name(station),
        generation,
        addr: gossip_address(station),
    }
}

/// Where a station's speaker receives gossip.
pub(crate) fn gossip_address(station: usize) -> SocketAddr {
    let number = u16::try_from(station + 1).unwrap_or(u16::MAX);
    let [high, low] = number.to_be_bytes();
    SocketAddr::new(Ipv4Addr::new(127, 0, high, low).into(), 9618)
}

/// The station that receives gossip there.
fn station_at(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let [_, _, high, low] = address.ip().octets();
    usize::from(u16::from_be_bytes([high, low])).checked_sub(1)
}

/// The name of a station's Node.
pub(crate) fn node_name(station: usize) -> String {
    format!("node-{station}")
}
