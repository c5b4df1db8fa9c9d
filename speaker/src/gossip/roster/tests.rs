//! Claims about the roster: who is shown, who is alive, who is contacted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Incarnation, Observation, Roster};
use crate::gossip::view::View;

const QUIET: Duration = Duration::from_millis(150);

fn incarnation(node: &str, generation: u64) -> Incarnation {
    let host = node.bytes().last().unwrap_or_default();
    Incarnation {
        node: node.to_owned(),
        generation,
        addr: SocketAddr::from(([10, 0, 0, host], 9618)),
    }
}

fn observation(node: &str, generation: u64, beat: u64, alive: bool) -> Observation {
    let value = format!("{node}/{generation}");
    Observation {
        who: incarnation(node, generation),
        beat,
        version: (0, 1),
        alive,
        state: Some(BTreeMap::from([("key".to_owned(), value)])),
    }
}

fn roster() -> Roster {
    Roster::new(incarnation("a", 5), QUIET)
}

fn shown(view: &View, node: &str) -> (u64, bool) {
    let member = &view.members[node];
    (member.generation, member.alive)
}

#[test]
fn no_change_makes_no_new_view() {
    let (mut roster, now) = (roster(), Instant::now());
    assert!(
        roster
            .update(vec![observation("b", 1, 1, true)], now)
            .is_some()
    );
    assert!(
        roster
            .update(vec![observation("b", 1, 2, true)], now)
            .is_none()
    );
}

#[test]
fn a_deleted_key_makes_a_new_view() {
    let (mut roster, now) = (roster(), Instant::now());
    roster.update(vec![observation("b", 1, 1, true)], now);
    let mut bare = observation("b", 1, 2, true);
    (bare.version, bare.state) = ((0, 2), Some(BTreeMap::new()));
    let view = roster.update(vec![bare], now).unwrap();
    assert!(view.members["b"].state.is_empty());
    assert_eq!(roster.version(&incarnation("b", 1)), Some((0, 2)));
}

#[test]
fn a_verdict_waits_until_the_silence_is_long() {
    let (mut roster, start) = (roster(), Instant::now());
    roster.update(vec![observation("b", 1, 1, true)], start);
    let early = start + QUIET - Duration::from_millis(1);
    assert!(
        roster
            .update(vec![observation("b", 1, 1, false)], early)
            .is_none()
    );
    let view = roster.update(vec![observation("b", 1, 1, false)], start + QUIET);
    assert_eq!(shown(&view.unwrap(), "b"), (1, false));
}

#[test]
fn relayed_beats_of_a_dead_member_do_not_revive_it() {
    let (mut roster, now) = (roster(), Instant::now());
    let first = roster.update(vec![observation("b", 1, 1, false)], now);
    assert_eq!(shown(&first.unwrap(), "b"), (1, false));
    assert!(
        roster
            .update(vec![observation("b", 1, 9, false)], now)
            .is_none()
    );
}

#[test]
fn a_dead_member_keeps_its_last_state() {
    let (mut roster, start) = (roster(), Instant::now());
    roster.update(vec![observation("b", 1, 1, true)], start);
    let mut dead = observation("b", 1, 1, false);
    dead.state = None;
    let view = roster.update(vec![dead], start + QUIET).unwrap();
    assert_eq!(view.members["b"].state["key"], "b/1");
}

#[test]
fn a_forgotten_member_leaves_the_view() {
    let (mut roster, now) = (roster(), Instant::now());
    roster.update(vec![observation("b", 1, 1, false)], now);
    assert!(roster.update(vec![], now).unwrap().members.is_empty());
}

#[test]
fn the_latest_living_start_of_a_node_counts() {
    let now = Instant::now();
    let cases = [
        ((1, true), (2, true), (2, true)),
        ((1, true), (2, false), (1, true)),
        ((1, false), (2, true), (2, true)),
        ((1, false), (2, false), (2, false)),
    ];
    for (older, newer, expected) in cases {
        let observed =
            [older, newer].map(|(generation, alive)| observation("b", generation, 1, alive));
        let view = roster().update(observed.to_vec(), now).unwrap();
        assert_eq!(shown(&view, "b"), expected, "{older:?} {newer:?}");
    }
}

#[test]
fn the_speaker_itself_is_alive_and_its_own_start_counts() {
    let observed = vec![observation("a", 5, 1, false), observation("a", 6, 1, true)];
    let view = roster().update(observed, Instant::now()).unwrap();
    assert_eq!(shown(&view, "a"), (5, true));
}

#[test]
fn contacts_peers_and_dead_members_but_no_live_ones() {
    let mut roster = roster();
    let observed = vec![
        observation("a", 5, 1, true),
        observation("b", 1, 1, false),
        observation("c", 1, 1, false),
        observation("c", 2, 1, true),
    ];
    roster.update(observed, Instant::now());
    let peers = ["a", "c", "d"].map(|node| incarnation(node, 0).addr);
    let contacted = roster.to_contact(&BTreeSet::from(peers), 0, 8);
    assert_eq!(contacted, ["b", "d"].map(|node| incarnation(node, 0).addr));
}

#[test]
fn contacts_all_in_turn_when_there_are_many() {
    let peers: BTreeSet<SocketAddr> = (1..=5_u8)
        .map(|host| SocketAddr::from(([10, 0, 1, host], 9618)))
        .collect();
    let mut contacted = BTreeSet::new();
    for round in 0..3 {
        let turn = roster().to_contact(&peers, round, 2);
        assert_eq!(turn.len(), 2);
        contacted.extend(turn);
    }
    assert_eq!(contacted, peers);
    assert_eq!(roster().to_contact(&BTreeSet::new(), 3, 2), []);
}
