//! Claims about who is watched, asked and found silent.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::{Question, Watchlist, Watchman};
use crate::layer2::election::OnWire;
use ferrolb_core::mac::Mac;

const INTERVAL: Duration = Duration::from_millis(50);
const LINK: u32 = 2;
const OWNED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 240));
const OF_C: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 13));

fn question(ip: IpAddr, station: u8) -> Question {
    Question {
        link: LINK,
        ip,
        station: Mac([2, 0, 0, 0, 0, station]),
    }
}

/// `b` owns an IP, and `c` is there too.
struct Scene {
    watchman: Watchman,
    now: Instant,
    b_answers: bool,
    c_answers: bool,
    asked: Vec<Question>,
}

impl Scene {
    fn new() -> Self {
        let mut watchman = Watchman::new(INTERVAL);
        let now = Instant::now();
        let list = Watchlist {
            owners: BTreeMap::from([("b".to_owned(), vec![question(OWNED, 2)])]),
            witnesses: BTreeMap::from([(LINK, vec![("c".to_owned(), question(OF_C, 3))])]),
        };
        watchman.set(list, now);
        Self {
            watchman,
            now,
            b_answers: true,
            c_answers: true,
            asked: Vec::new(),
        }
    }

    /// Lets intervals pass; who answers does so at once.
    fn pass(&mut self, intervals: u32) -> OnWire {
        self.asked.clear();
        for _ in 0..intervals * 10 {
            let asked = self.watchman.due(self.now);
            for question in &asked {
                let (node, answers) = if question.ip == OWNED {
                    ("b", self.b_answers)
                } else {
                    ("c", self.c_answers)
                };
                if answers {
                    self.watchman.heard(node, LINK, question.ip, self.now);
                }
            }
            self.asked.extend(asked);
            self.now += INTERVAL / 10;
        }
        self.watchman.on_wire(self.now)["b"]
    }
}

#[test]
fn an_owner_that_answers_is_asked_once_per_interval_and_nobody_else_is() {
    let mut scene = Scene::new();
    scene.pass(1);
    assert_eq!(scene.pass(10), OnWire::Answers);
    assert_eq!(scene.asked, [question(OWNED, 2); 10]);
}

#[test]
fn one_missed_answer_is_noticed_within_an_interval() {
    let mut scene = Scene::new();
    scene.pass(5);
    scene.b_answers = false;
    assert_eq!(scene.pass(1), OnWire::Misses);
    assert!(
        scene.asked.len() >= 3,
        "asked again quickly: {:?}",
        scene.asked
    );
    scene.b_answers = true;
    assert_eq!(scene.pass(1), OnWire::Answers);
}

#[test]
fn two_lost_frames_are_nobodys_concern() {
    let mut scene = Scene::new();
    scene.pass(5);
    for lost in 0..2 {
        let asked = scene.watchman.due(scene.now);
        assert!(asked.contains(&question(OWNED, 2)), "question {lost}");
        scene.now += INTERVAL * 3 / 10;
    }
    assert_eq!(scene.watchman.on_wire(scene.now)["b"], OnWire::Answers);
    assert_eq!(scene.pass(1), OnWire::Answers);
}

#[test]
fn an_owner_is_silent_after_four_intervals_if_another_station_answers() {
    let mut scene = Scene::new();
    scene.pass(5);
    scene.b_answers = false;
    assert_eq!(scene.pass(3), OnWire::Misses);
    assert_eq!(scene.pass(1), OnWire::Silent);
    assert!(scene.asked.contains(&question(OF_C, 3)));
}

#[test]
fn where_nobody_answers_nobody_is_silent() {
    let mut scene = Scene::new();
    scene.pass(5);
    (scene.b_answers, scene.c_answers) = (false, false);
    assert_eq!(scene.pass(40), OnWire::Misses);
}

#[test]
fn the_first_answer_after_this_nodes_own_port_was_dead_makes_nobody_silent() {
    let mut scene = Scene::new();
    scene.pass(5);
    (scene.b_answers, scene.c_answers) = (false, false);
    scene.pass(8);
    scene.watchman.heard("c", LINK, OF_C, scene.now);
    scene.now += INTERVAL / 10;
    assert_eq!(scene.watchman.on_wire(scene.now)["b"], OnWire::Misses);
    scene.b_answers = true;
    assert_eq!(scene.pass(2), OnWire::Answers);
}

#[test]
fn the_silent_nodes_own_kernel_is_witness_enough() {
    let mut scene = Scene::new();
    let list = Watchlist {
        owners: BTreeMap::from([("b".to_owned(), vec![question(OWNED, 2)])]),
        witnesses: BTreeMap::from([(LINK, vec![("b".to_owned(), question(OF_C, 2))])]),
    };
    scene.watchman.set(list, scene.now);
    scene.b_answers = false;
    assert_eq!(scene.pass(4), OnWire::Silent);
}

#[test]
fn a_stall_of_this_node_is_not_held_against_the_owner() {
    let mut scene = Scene::new();
    scene.pass(5);
    scene.watchman.due(scene.now);
    scene.now += INTERVAL * 50;
    scene.watchman.forget();
    assert_eq!(scene.pass(0), OnWire::Answers);
    assert_eq!(scene.pass(3), OnWire::Answers);
}

#[test]
fn a_node_that_nobody_answers_is_isolated_until_somebody_does() {
    let mut scene = Scene::new();
    scene.pass(5);
    (scene.b_answers, scene.c_answers) = (false, false);
    scene.pass(8);
    assert!(!scene.watchman.is_isolated(scene.now));
    scene.pass(5);
    assert!(scene.watchman.is_isolated(scene.now));
    scene.c_answers = true;
    scene.pass(1);
    assert!(!scene.watchman.is_isolated(scene.now));
}

#[test]
fn a_node_without_witnesses_does_not_know_itself_isolated() {
    let mut watchman = Watchman::new(INTERVAL);
    let now = Instant::now();
    watchman.set(Watchlist::default(), now);
    assert!(!watchman.is_isolated(now));
    assert_eq!(watchman.next_deadline(), None);
}

#[test]
fn many_owners_are_asked_in_turn() {
    let mut watchman = Watchman::new(INTERVAL);
    let now = Instant::now();
    let owner = |number: u8| (format!("n{number:02}"), vec![question(OWNED, number)]);
    let list = Watchlist {
        owners: (0..40).map(owner).collect(),
        witnesses: BTreeMap::new(),
    };
    watchman.set(list, now);
    let mut asked: Vec<Question> = (0..5)
        .flat_map(|round| watchman.due(now + INTERVAL / 5 * round))
        .collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 40);
}
