//! Claims about which owners are probed, and which have failed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::{Monitor, Probe, Targets};
use crate::layer2::election::Reachability;
use ferrolb_core::mac::Mac;

const INTERVAL: Duration = Duration::from_millis(50);
const LINK: u32 = 2;
const OWNED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 240));
const OF_C: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 13));

fn probe(ip: IpAddr, mac: u8) -> Probe {
    Probe {
        link: LINK,
        ip,
        mac: Mac([2, 0, 0, 0, 0, mac]),
    }
}

/// `b` owns an IP, and `c` is there too.
struct Scene {
    monitor: Monitor,
    now: Instant,
    b_answers: bool,
    c_answers: bool,
    sent: Vec<Probe>,
}

impl Scene {
    fn new() -> Self {
        let mut monitor = Monitor::new(INTERVAL);
        let now = Instant::now();
        let targets = Targets {
            owners: BTreeMap::from([("b".to_owned(), vec![probe(OWNED, 2)])]),
            reference_peers: BTreeMap::from([(LINK, vec![("c".to_owned(), probe(OF_C, 3))])]),
        };
        monitor.set(targets, now);
        Self {
            monitor,
            now,
            b_answers: true,
            c_answers: true,
            sent: Vec::new(),
        }
    }

    /// Lets intervals pass; hosts that answer do so at once.
    fn pass(&mut self, intervals: u32) -> Reachability {
        self.sent.clear();
        for _ in 0..intervals * 10 {
            let sent = self.monitor.due(self.now);
            for probe in &sent {
                let (node, answers) = if probe.ip == OWNED {
                    ("b", self.b_answers)
                } else {
                    ("c", self.c_answers)
                };
                if answers {
                    self.monitor.answered(node, LINK, probe.ip, self.now);
                }
            }
            self.sent.extend(sent);
            self.now += INTERVAL / 10;
        }
        self.monitor.reachability(self.now)["b"]
    }
}

#[test]
fn an_owner_that_answers_is_probed_once_per_interval_and_no_other_host_is() {
    let mut scene = Scene::new();
    scene.pass(1);
    assert_eq!(scene.pass(10), Reachability::Reachable);
    assert_eq!(scene.sent, [probe(OWNED, 2); 10]);
}

#[test]
fn missed_answers_are_noticed_within_an_interval() {
    let mut scene = Scene::new();
    scene.pass(5);
    scene.b_answers = false;
    assert_eq!(scene.pass(1), Reachability::Probing);
    assert!(scene.sent.len() >= 3, "repeated quickly: {:?}", scene.sent);
    scene.b_answers = true;
    assert_eq!(scene.pass(1), Reachability::Reachable);
}

#[test]
fn two_lost_frames_do_not_matter() {
    let mut scene = Scene::new();
    scene.pass(5);
    for lost in 0..2 {
        let sent = scene.monitor.due(scene.now);
        assert!(sent.contains(&probe(OWNED, 2)), "probe {lost}");
        scene.now += INTERVAL * 3 / 10;
    }
    assert_eq!(
        scene.monitor.reachability(scene.now)["b"],
        Reachability::Reachable
    );
    assert_eq!(scene.pass(1), Reachability::Reachable);
}

#[test]
fn an_owner_has_failed_after_four_intervals_if_another_host_answers() {
    let mut scene = Scene::new();
    scene.pass(5);
    scene.b_answers = false;
    assert_eq!(scene.pass(3), Reachability::Probing);
    assert_eq!(scene.pass(1), Reachability::Failed);
    assert!(scene.sent.contains(&probe(OF_C, 3)));
}

#[test]
fn where_no_host_answers_no_owner_has_failed() {
    let mut scene = Scene::new();
    scene.pass(5);
    (scene.b_answers, scene.c_answers) = (false, false);
    assert_eq!(scene.pass(40), Reachability::Probing);
}

#[test]
fn the_first_answer_after_this_nodes_own_port_was_dead_fails_no_owner() {
    let mut scene = Scene::new();
    scene.pass(5);
    (scene.b_answers, scene.c_answers) = (false, false);
    scene.pass(8);
    scene.monitor.answered("c", LINK, OF_C, scene.now);
    scene.now += INTERVAL / 10;
    assert_eq!(
        scene.monitor.reachability(scene.now)["b"],
        Reachability::Probing
    );
    scene.b_answers = true;
    assert_eq!(scene.pass(2), Reachability::Reachable);
}

#[test]
fn the_kernel_of_the_failed_node_shows_that_the_link_works() {
    let mut scene = Scene::new();
    let targets = Targets {
        owners: BTreeMap::from([("b".to_owned(), vec![probe(OWNED, 2)])]),
        reference_peers: BTreeMap::from([(LINK, vec![("b".to_owned(), probe(OF_C, 2))])]),
    };
    scene.monitor.set(targets, scene.now);
    scene.b_answers = false;
    assert_eq!(scene.pass(4), Reachability::Failed);
}

#[test]
fn a_stall_of_this_node_is_not_held_against_the_owner() {
    let mut scene = Scene::new();
    scene.pass(5);
    scene.monitor.due(scene.now);
    scene.now += INTERVAL * 50;
    scene.monitor.forget();
    assert_eq!(scene.pass(0), Reachability::Reachable);
    assert_eq!(scene.pass(3), Reachability::Reachable);
}

#[test]
fn a_node_that_no_host_answers_is_isolated_until_one_does() {
    let mut scene = Scene::new();
    scene.pass(5);
    (scene.b_answers, scene.c_answers) = (false, false);
    scene.pass(8);
    assert!(!scene.monitor.is_isolated(scene.now));
    scene.pass(5);
    assert!(scene.monitor.is_isolated(scene.now));
    scene.c_answers = true;
    scene.pass(1);
    assert!(!scene.monitor.is_isolated(scene.now));
}

#[test]
fn a_node_without_reference_peers_is_not_isolated() {
    let mut monitor = Monitor::new(INTERVAL);
    let now = Instant::now();
    monitor.set(Targets::default(), now);
    assert!(!monitor.is_isolated(now));
    assert_eq!(monitor.next_timeout(), None);
}

#[test]
fn many_owners_are_probed_in_turn() {
    let mut monitor = Monitor::new(INTERVAL);
    let now = Instant::now();
    let owner = |number: u8| (format!("n{number:02}"), vec![probe(OWNED, number)]);
    let targets = Targets {
        owners: (0..40).map(owner).collect(),
        reference_peers: BTreeMap::new(),
    };
    monitor.set(targets, now);
    let mut sent: Vec<Probe> = (0..5)
        .flat_map(|round| monitor.due(now + INTERVAL / 5 * round))
        .collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 40);
}
