//! Claims about what a speaker alone does, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Agent, Note, Output, Settings};
use crate::eligibility::{DesiredIp, DesiredIps, NodeEligibility};
use crate::gossip::{Member, View};
use crate::layer2::gossip_keys;
use crate::layer2::links::LanLink;
use crate::layer2::wire::frame::{Frame, FrameKind, Purpose};
use crate::layer2::wire::sightings::Sighting;
use ferrolb_core::mac::Mac;

const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));
const DETECTION: Duration = Duration::from_millis(250);
const STALL_LIMIT: Duration = Duration::from_millis(125);
const ASK: Duration = Duration::from_millis(60);
const STRANGER: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// Node `a` alone on its link; it takes without asking what nobody claimed before.
fn alone(now: Instant) -> Agent {
    let settings = Settings {
        node: "a".to_owned(),
        interval: Duration::from_millis(50),
        detection_time: DETECTION,
        refresh: None,
        initial_probe: Duration::ZERO,
    };
    let mut agent = Agent::new(settings, now);
    agent.set_desired(desired());
    agent.links_changed(vec![link(1)], now);
    agent
}

fn link(number: u8) -> LanLink {
    LanLink {
        index: 2,
        name: "eth0".to_owned(),
        mac: Mac([2, 0, 0, 0, 0, number]),
        subnets: vec![format!("192.0.2.{number}/24").parse().unwrap()],
    }
}

/// Node `b`, on the same LAN.
fn heir() -> Member {
    let (key, links) = gossip_keys::links(&[link(2)]);
    Member {
        node: "b".to_owned(),
        generation: 1,
        addr: (Ipv4Addr::LOCALHOST, 9618).into(),
        alive: true,
        silent_since: None,
        state: links.map(|links| (key, links)).into_iter().collect(),
    }
}

fn desired() -> Arc<DesiredIps> {
    let grants = ["a", "b"].map(|node| (node.to_owned(), NodeEligibility::default()));
    let desired = DesiredIp {
        nodes: grants.into(),
        no_common_node: false,
    };
    Arc::new(DesiredIps::from([(IP, desired.into())]))
}

/// The same, after it took the IP; and what it did then.
fn owner(now: Instant) -> (Agent, Vec<Output>) {
    let mut agent = alone(now);
    agent.expect_peers(BTreeSet::new());
    agent.poll(now);
    let outputs = agent.take_outputs();
    (agent, outputs)
}

/// The effects that others notice, in a word each.
fn order(outputs: &[Output]) -> Vec<&'static str> {
    let is_claim = |key: &str| key.starts_with("claim/");
    let word = |output: &Output| match output {
        Output::Answer(owned) if owned.is_empty() => Some("answer nothing"),
        Output::Answer(_) => Some("answer"),
        Output::Publish(keys) => {
            let (_, value) = keys.iter().find(|(key, _)| is_claim(key))?;
            Some(value.as_ref().map_or("unclaim", |_| "claim"))
        }
        Output::Send(_, frame) if frame.purpose() == Purpose::Probe => Some("ask"),
        Output::Send(_, frame) if frame.purpose() == Purpose::Announcement => Some("announce"),
        Output::Renew(_) => Some("vouch"),
        Output::Send(..) | Output::Watch(_) | Output::Note(_) => None,
    };
    let mut words: Vec<_> = outputs.iter().filter_map(word).collect();
    words.dedup();
    words
}

fn mute(outputs: &[Output]) -> Option<Duration> {
    outputs.iter().find_map(|output| match output {
        Output::Note(Note::Stalled { mute, .. } | Note::CarrierFlapped { mute }) => Some(*mute),
        _ => None,
    })
}

fn sighting(kind: FrameKind, at: Instant) -> Sighting {
    Sighting {
        link: 2,
        ip: IP,
        mac: STRANGER,
        kind,
        at,
    }
}

#[test]
fn an_ip_is_answered_for_before_it_is_claimed_and_claimed_before_it_is_announced() {
    let (_, outputs) = owner(Instant::now());
    assert_eq!(order(&outputs), ["answer", "claim", "announce", "vouch"]);
}

#[test]
fn a_withdrawn_ip_is_no_longer_answered_for_when_its_claim_is_taken_back() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.set_desired(Arc::default());
    agent.poll(now);
    let outputs = agent.take_outputs();
    assert_eq!(order(&outputs), ["answer nothing", "unclaim", "vouch"]);
}

#[test]
fn nothing_is_taken_before_the_lists_are_in() {
    let mut agent = alone(Instant::now());
    let later = Instant::now() + Duration::from_secs(60);
    agent.poll(later);
    assert!(!agent.is_settled());
    assert_eq!(agent.election().claims().count(), 0);
}

#[test]
fn peers_that_are_not_seen_are_waited_for_but_not_for_ever() {
    let now = Instant::now();
    let mut agent = alone(now);
    agent.expect_peers(BTreeSet::from([(IP, 9618).into()]));
    agent.poll(now + Duration::from_secs(2));
    assert!(!agent.is_settled());
    agent.poll(now + Duration::from_millis(2001));
    assert!(agent.is_settled());
}

#[test]
fn who_stood_still_is_mute_and_asks_before_it_is_vouched_for() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    let late = now + STALL_LIMIT + Duration::from_millis(40);
    agent.poll(late);
    let outputs = agent.take_outputs();
    assert_eq!(order(&outputs), ["answer nothing", "ask", "vouch"]);
    assert!(agent.answering().is_empty() && agent.election().claims().count() == 1);
    agent.poll(late + ASK);
    assert_eq!(
        order(&agent.take_outputs()),
        ["answer", "announce", "vouch"]
    );
}

#[test]
fn who_lost_carrier_for_a_moment_is_mute_and_asks_whether_another_took_over() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.carrier_flapped(now);
    agent.poll(now);
    let outputs = agent.take_outputs();
    assert_eq!(order(&outputs), ["answer nothing", "ask", "vouch"]);
    assert_eq!(mute(&outputs), Some(ASK));
    agent.observe(&sighting(FrameKind::Reply, now));
    agent.poll(now + ASK / 2);
    assert_eq!(order(&agent.take_outputs()), ["unclaim", "vouch"]);
}

/// An owner that heard `b`, and lost its link; `b` is silent since.
fn cut_off(now: Instant) -> Agent {
    let (mut agent, _) = owner(now);
    agent.view_changed(seeing(heir()));
    agent.poll(now);
    agent.links_changed(Vec::new(), now);
    agent.poll(now);
    agent.view_changed(seeing(Member {
        alive: false,
        silent_since: Some(now),
        ..heir()
    }));
    agent.poll(now);
    assert!(agent.answering().is_empty() && agent.election().claims().count() == 0);
    agent.take_outputs();
    agent
}

fn seeing(member: Member) -> Arc<View> {
    Arc::new(View {
        members: BTreeMap::from([(member.node.clone(), member)]),
    })
}

#[test]
fn whose_link_is_back_takes_nothing_before_it_hears_whom_it_heard_before() {
    let now = Instant::now();
    let mut agent = cut_off(now);
    agent.links_changed(vec![link(1)], now);
    for after in [0, 400, 800, 1900] {
        agent.poll(now + Duration::from_millis(after));
    }
    let order = order(&agent.take_outputs());
    assert!(
        !order.contains(&"ask") && !order.contains(&"claim"),
        "{order:?}"
    );
    let mut owner = heir();
    owner.state.insert(format!("claim/{IP}"), "2".to_owned());
    agent.view_changed(seeing(owner));
    agent.poll(now + Duration::from_millis(1950));
    assert_eq!(agent.links(), [link(1)]);
    assert_eq!(agent.election().claims().count(), 0);
}

#[test]
fn whose_link_is_back_does_not_wait_for_ever() {
    let now = Instant::now();
    let mut agent = cut_off(now);
    agent.links_changed(vec![link(1)], now);
    agent.poll(now + Duration::from_secs(2));
    assert_eq!(agent.election().claims().count(), 0);
    agent.poll(now + Duration::from_millis(2001));
    agent.poll(now + Duration::from_millis(2001) + ASK);
    assert_eq!(agent.election().claims().count(), 1);
}

/// A second NIC, on another network.
fn spare() -> LanLink {
    LanLink {
        index: 3,
        name: "eth1".to_owned(),
        mac: Mac([2, 0, 0, 0, 1, 1]),
        subnets: vec!["198.51.100.1/24".parse().unwrap()],
    }
}

/// As [`cut_off`], with a second NIC that goes on working.
fn half_cut_off(now: Instant) -> Agent {
    let mut agent = cut_off(now);
    agent.links_changed(vec![spare()], now);
    agent.poll(now);
    agent.poll(now + Duration::from_millis(2001));
    agent
}

#[test]
fn who_lost_the_link_to_an_ips_network_takes_it_on_no_other() {
    let now = Instant::now();
    let mut agent = half_cut_off(now);
    for after in [2100, 2200, 5000] {
        agent.poll(now + Duration::from_millis(after));
    }
    assert_eq!(agent.links(), [spare()]);
    assert_eq!(agent.election().claims().count(), 0);
}

#[test]
fn a_link_that_is_back_beside_another_waits_as_well() {
    let now = Instant::now();
    let mut agent = half_cut_off(now);
    let back = now + Duration::from_secs(5);
    agent.links_changed(vec![link(1), spare()], back);
    agent.poll(back + Duration::from_millis(1900));
    assert_eq!(agent.links(), [spare()]);
    agent.view_changed(seeing(heir()));
    agent.poll(back + Duration::from_millis(1950));
    assert_eq!(agent.links(), [link(1), spare()]);
}

#[test]
fn a_link_over_which_nobody_was_heard_is_used_as_soon_as_it_is_back() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.links_changed(vec![link(1), spare()], now);
    agent.view_changed(seeing(heir()));
    agent.links_changed(vec![link(1)], now);
    agent.poll(now + STALL_LIMIT);
    agent.links_changed(vec![link(1), spare()], now + STALL_LIMIT);
    assert_eq!(agent.links(), [link(1), spare()]);
    assert_eq!(agent.answering().len(), 1);
}

#[test]
fn who_was_alone_before_takes_its_ips_back_as_soon_as_its_link_is_back() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.links_changed(Vec::new(), now);
    agent.poll(now);
    agent.links_changed(vec![link(1)], now);
    agent.poll(now);
    assert_eq!(agent.election().claims().count(), 1);
}

#[test]
fn the_time_for_which_an_owner_asks_after_a_stall_counts_as_mute() {
    let now = Instant::now();
    let late = STALL_LIMIT + Duration::from_millis(40);
    let (mut agent, _) = owner(now);
    agent.poll(now + late);
    let asked = Duration::from_millis(40) + ASK;
    assert_eq!(mute(&agent.take_outputs()), Some(asked));
    let mut idle = alone(now);
    idle.poll(now + late);
    assert_eq!(mute(&idle.take_outputs()), Some(Duration::from_millis(40)));
}

#[test]
fn who_stood_still_blames_no_owner_for_answers_it_may_have_missed() {
    let now = Instant::now();
    let mut agent = alone(now);
    let mut owner = heir();
    owner.state.insert(format!("claim/{IP}"), "1".to_owned());
    agent.view_changed(seeing(owner));
    agent.expect_peers(BTreeSet::new());
    let unanswered = [0, 15, 30].map(Duration::from_millis);
    let stalled = unanswered[2] + STALL_LIMIT + Duration::from_millis(1);
    for after in unanswered.into_iter().chain([stalled]) {
        agent.poll(now + after);
        let outputs = agent.take_outputs();
        assert!(order(&outputs).contains(&"ask"), "{outputs:?}");
        let missed = Output::Note(Note::ProbeMissed("b".to_owned()));
        assert!(!outputs.contains(&missed));
    }
}

#[test]
fn a_gap_within_the_stall_limit_is_no_stall() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.poll(now + STALL_LIMIT);
    assert_eq!(mute(&agent.take_outputs()), None);
    assert_eq!(agent.answering().len(), 1);
}

#[test]
fn a_strangers_test_for_an_owned_ip_is_a_conflict_and_moves_nothing() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.observe(&sighting(FrameKind::DadProbe, now));
    let outputs = agent.take_outputs();
    assert!(matches!(outputs[..], [Output::Note(Note::Action { .. })]));
    assert_eq!(agent.answering().len(), 1);
}

#[test]
fn a_stranger_that_claims_an_owned_ip_is_answered_by_announcing_it() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.observe(&sighting(FrameKind::Gratuitous, now));
    agent.poll(now);
    let outputs = agent.take_outputs();
    let announced = outputs.iter().any(|output| {
        matches!(output, Output::Send(2, frame @ Frame::Arp(_)) if frame.purpose() == Purpose::Announcement)
    });
    assert!(announced);
}

#[test]
fn the_same_links_again_are_no_news() {
    let now = Instant::now();
    let mut agent = alone(now);
    agent.take_outputs();
    agent.links_changed(agent.links().to_vec(), now);
    assert!(agent.take_outputs().is_empty());
}

#[test]
fn who_leaves_waits_for_its_heir_and_then_takes_its_claims_back() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.view_changed(seeing(heir()));
    agent.drain(now);
    agent.poll(now);
    assert!(!agent.has_left(now + Duration::from_secs(5)));
    assert!(agent.has_left(now + Duration::from_millis(5001)));
    assert_eq!(agent.retire(), [(format!("claim/{IP}"), None)]);
}

#[test]
fn who_leaves_without_an_heir_has_left_at_once() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.drain(now);
    agent.poll(now);
    assert!(agent.has_left(now) && agent.retire().is_empty());
}
