//! A small simulated LAN: several nodes run the real state machine over gossip
//! and a wire that are cut, healed, frozen and killed at random. Every run is
//! replayable from its proptest seed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Action, Facts, Ownership, Timing};
use crate::asker::Asker;
use crate::wire::mac::Mac;

const NODES: usize = 4;
const IPS: u8 = 5;
const TICK: Duration = Duration::from_millis(10);
/// Silence after which the simulated detector holds a member for dead.
const DETECTION: Duration = Duration::from_millis(200);
/// After this much peace no IP may have two owners in one LAN.
const SETTLED: Duration = Duration::from_millis(500);
/// After this much peace every IP has its owner.
const RECOVERED: Duration = Duration::from_millis(2500);

#[derive(Debug, Clone)]
enum Event {
    Cut(usize),
    Join(usize),
    Freeze(usize),
    Thaw(usize),
    Deafen(usize),
    Hear(usize),
    Drain(usize),
    Return(usize),
    Peace(u64),
}

/// What a node says of itself in gossip.
#[derive(Debug, Clone, Default)]
struct Said {
    draining: bool,
    claims: BTreeMap<IpAddr, u64>,
}

struct Node {
    name: String,
    mac: Mac,
    ownership: Ownership,
    asker: Asker,
    facts: Facts,
    heard_at: BTreeMap<String, Instant>,
    /// The part of the LAN it is on.
    side: usize,
    /// The part of the gossip network it is on, where that is another network.
    gossip_side: usize,
    frozen: bool,
    last_step: Instant,
}

struct Lan {
    nodes: Vec<Node>,
    said: Vec<Said>,
    now: Instant,
    disturbed: Instant,
    /// How long two owners are borne after a disturbance.
    settled: Duration,
}

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

fn node(index: usize, now: Instant) -> Node {
    let all: BTreeMap<String, u32> = (0..NODES).map(|i| (format!("n{i}"), 0)).collect();
    let name = format!("n{index}");
    let facts = Facts {
        candidates: (0..IPS).map(|last| (ip(last), all.clone())).collect(),
        reachable: (0..IPS).map(ip).collect(),
        ..Facts::default()
    };
    Node {
        mac: Mac([2, 0, 0, 0, 0, u8::try_from(index).unwrap()]),
        ownership: Ownership::new(name.clone(), Timing::default()),
        asker: Asker::default(),
        name,
        facts,
        heard_at: BTreeMap::new(),
        side: 0,
        gossip_side: 0,
        frozen: false,
        last_step: now,
    }
}

impl Node {
    /// A pulled plug ends gossip too; a deaf node is cut off from gossip alone.
    fn gossips_with(&self) -> (usize, usize) {
        (self.side, self.gossip_side)
    }
}

impl Lan {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            nodes: (0..NODES).map(|index| node(index, now)).collect(),
            said: vec![Said::default(); NODES],
            now,
            disturbed: now,
            settled: SETTLED,
        }
    }

    fn apply(&mut self, event: &Event) {
        if let Event::Peace(ticks) = event {
            for _ in 0..*ticks {
                self.tick();
            }
            return;
        }
        self.disturbed = self.now;
        match *event {
            // A side of its own for each: a pulled plug, or a LAN cut in two.
            Event::Cut(index) => self.nodes[index].side = index + 1,
            Event::Join(index) => self.nodes[index].side = 0,
            Event::Freeze(index) => self.nodes[index].frozen = true,
            Event::Thaw(index) => self.nodes[index].frozen = false,
            Event::Deafen(index) => self.nodes[index].gossip_side = index + 1,
            Event::Hear(index) => self.nodes[index].gossip_side = 0,
            Event::Drain(index) => self.drain(index, true),
            Event::Return(index) => self.drain(index, false),
            Event::Peace(_) => {}
        }
    }

    fn drain(&mut self, index: usize, draining: bool) {
        self.nodes[index].facts.draining = draining;
    }

    fn tick(&mut self) {
        self.now += TICK;
        self.gossip();
        for index in 0..NODES {
            if !self.nodes[index].frozen {
                self.step(index);
            }
        }
        self.check();
    }

    /// Everybody on one side hears what the others said one tick ago.
    fn gossip(&mut self) {
        let voices: Vec<_> = self
            .nodes
            .iter()
            .zip(&self.said)
            .filter(|(node, _)| !node.frozen)
            .map(|(node, said)| {
                (
                    node.name.clone(),
                    node.mac,
                    node.gossips_with(),
                    said.clone(),
                )
            })
            .collect();
        let now = self.now;
        for node in self.nodes.iter_mut().filter(|node| !node.frozen) {
            for (name, mac, side, said) in &voices {
                if *name != node.name && *side == node.gossips_with() {
                    node.heard_at.insert(name.clone(), now);
                    let standing = node.facts.others.entry(name.clone()).or_default();
                    standing.claims = said.claims.clone();
                    standing.draining = said.draining;
                    standing.macs = BTreeSet::from([*mac]);
                }
            }
            for (name, standing) in &mut node.facts.others {
                standing.alive = now - node.heard_at[name] < DETECTION;
            }
        }
    }

    fn step(&mut self, index: usize) {
        let now = self.now;
        let node = &mut self.nodes[index];
        let mut actions = Vec::new();
        if now - node.last_step > DETECTION / 2 {
            actions.extend(node.ownership.doubt(now));
        }
        node.last_step = now;
        actions.extend(node.ownership.step(&node.facts, now));
        for action in &actions {
            match action {
                Action::Ask { ip, until } => self.nodes[index].asker.start(*ip, now, *until),
                Action::TakeOver { ip, .. } | Action::Announce { ip } => self.announce(index, *ip),
                Action::Withdraw { .. } | Action::Conflict { .. } => {}
            }
        }
        for ip in self.nodes[index].asker.due(now) {
            self.ask(index, ip);
        }
        let node = &self.nodes[index];
        self.said[index] = Said {
            draining: node.facts.draining,
            claims: node.ownership.claims().collect(),
        };
    }

    /// Everybody awake on the same side hears it.
    fn announce(&mut self, index: usize, ip: IpAddr) {
        let (mac, side, now) = (self.nodes[index].mac, self.nodes[index].side, self.now);
        for node in self
            .nodes
            .iter_mut()
            .filter(|node| node.side == side && !node.frozen)
        {
            if node.mac != mac {
                node.ownership.heard(ip, mac, &node.facts, now);
            }
        }
    }

    /// A frozen node's responder does not answer; anybody else on the same side does.
    fn ask(&mut self, index: usize, ip: IpAddr) {
        let side = self.nodes[index].side;
        let answer = self
            .nodes
            .iter()
            .enumerate()
            .find(|(other, node)| {
                *other != index
                    && node.side == side
                    && !node.frozen
                    && node.ownership.answering().any(|owned| owned == ip)
            })
            .map(|(_, node)| node.mac);
        if let Some(mac) = answer {
            let node = &mut self.nodes[index];
            node.ownership.heard(ip, mac, &node.facts, self.now);
        }
    }

    fn check(&self) {
        let peace = self.now - self.disturbed;
        let sides: BTreeSet<usize> = self.nodes.iter().map(|node| node.side).collect();
        for side in sides {
            let here = || {
                self.nodes
                    .iter()
                    .filter(|node| node.side == side && !node.frozen)
            };
            let willing = here().any(|node| !node.facts.draining);
            for ip in (0..IPS).map(ip) {
                let owners = here()
                    .filter(|node| node.ownership.answering().any(|owned| owned == ip))
                    .count();
                assert!(
                    peace < self.settled || owners <= 1,
                    "{ip} has {owners} owners"
                );
                assert!(
                    peace < RECOVERED || !willing || owners == 1,
                    "{ip} has no owner"
                );
            }
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..NODES).prop_map(Event::Cut),
        (0..NODES).prop_map(Event::Join),
        (0..NODES).prop_map(Event::Freeze),
        (0..NODES).prop_map(Event::Thaw),
        (0..NODES).prop_map(Event::Drain),
        (0..NODES).prop_map(Event::Return),
        (0..40_u64).prop_map(Event::Peace),
        Just(Event::Peace(300)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn one_owner_answers_whatever_is_cut_frozen_or_drained(
        events in prop::collection::vec(event(), 1..30),
    ) {
        let mut lan = Lan::new();
        for event in &events {
            lan.apply(event);
        }
        lan.apply(&Event::Peace(400));
    }
}

/// A LAN in which every IP has its owner, and on which two are borne no
/// longer than it takes to say so in gossip.
fn strict() -> Lan {
    let mut lan = Lan::new();
    lan.apply(&Event::Peace(300));
    lan.settled = Duration::ZERO;
    lan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn losing_gossip_alone_never_makes_a_second_owner(
        events in prop::collection::vec(
            prop_oneof![
                (0..NODES).prop_map(Event::Deafen),
                (0..NODES).prop_map(Event::Hear),
                (0..60_u64).prop_map(Event::Peace),
            ],
            1..30,
        ),
    ) {
        let mut lan = strict();
        for event in &events {
            lan.apply(event);
        }
        lan.apply(&Event::Peace(400));
    }

    #[test]
    fn an_owner_that_stood_still_never_answers_beside_its_heir(
        frozen in 0..NODES,
        ticks in 0..200_u64,
    ) {
        let mut lan = strict();
        lan.apply(&Event::Freeze(frozen));
        lan.apply(&Event::Peace(ticks));
        // It wakes before it hears any gossip.
        lan.apply(&Event::Deafen(frozen));
        lan.apply(&Event::Thaw(frozen));
        lan.apply(&Event::Peace(30));
        lan.apply(&Event::Hear(frozen));
        lan.apply(&Event::Peace(400));
    }
}

#[test]
fn ips_are_spread_evenly_over_nodes_that_start_together() {
    let mut lan = Lan::new();
    lan.apply(&Event::Peace(300));
    let counts: Vec<usize> = lan
        .nodes
        .iter()
        .map(|node| node.ownership.claims().count())
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), usize::from(IPS));
    assert!(counts.iter().all(|count| *count <= 2), "{counts:?}");
}
