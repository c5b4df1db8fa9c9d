//! Claims about the outputs of one speaker, and their order.

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
const PROBE_TIME: Duration = Duration::from_millis(60);
const FOREIGN_MAC: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// Node `a` alone on its link; it takes an IP that no node claimed before without probing.
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
fn member_b() -> Member {
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
    let nodes = ["a", "b"].map(|node| (node.to_owned(), NodeEligibility::default()));
    let desired = DesiredIp {
        nodes: nodes.into(),
        no_common_node: false,
    };
    Arc::new(DesiredIps::from([(IP, desired.into())]))
}

/// The same after it took the IP, with the outputs of that.
fn owner(now: Instant) -> (Agent, Vec<Output>) {
    let mut agent = alone(now);
    agent.expect_peers(BTreeSet::new());
    agent.poll(now);
    let outputs = agent.take_outputs();
    (agent, outputs)
}

/// The outputs that others notice, one word each.
fn order(outputs: &[Output]) -> Vec<&'static str> {
    let is_claim = |key: &str| key.starts_with("claim/");
    let word = |output: &Output| match output {
        Output::Answer(owned) if owned.is_empty() => Some("answer nothing"),
        Output::Answer(_) => Some("answer"),
        Output::Publish(keys) => {
            let (_, value) = keys.iter().find(|(key, _)| is_claim(key))?;
            Some(value.as_ref().map_or("unclaim", |_| "claim"))
        }
        Output::Send(_, frame) if frame.purpose() == Purpose::Probe => Some("probe"),
        Output::Send(_, frame) if frame.purpose() == Purpose::Announcement => Some("announce"),
        Output::Renew(_) => Some("renew"),
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
        mac: FOREIGN_MAC,
        kind,
        at,
    }
}

#[test]
fn an_ip_is_answered_for_before_it_is_claimed_and_claimed_before_it_is_announced() {
    let (_, outputs) = owner(Instant::now());
    assert_eq!(order(&outputs), ["answer", "claim", "announce", "renew"]);
}

#[test]
fn a_withdrawn_ip_is_no_longer_answered_for_when_its_claim_is_deleted() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.set_desired(Arc::default());
    agent.poll(now);
    let outputs = agent.take_outputs();
    assert_eq!(order(&outputs), ["answer nothing", "unclaim", "renew"]);
}

#[test]
fn nothing_is_taken_before_the_lists_are_complete() {
    let mut agent = alone(Instant::now());
    let later = Instant::now() + Duration::from_secs(60);
    agent.poll(later);
    assert!(!agent.is_settled());
    assert_eq!(agent.election().claims().count(), 0);
}

#[test]
fn missing_peers_are_waited_for_for_a_limited_time() {
    let now = Instant::now();
    let mut agent = alone(now);
    agent.expect_peers(BTreeSet::from([(IP, 9618).into()]));
    agent.poll(now + Duration::from_secs(2));
    assert!(!agent.is_settled());
    agent.poll(now + Duration::from_millis(2001));
    assert!(agent.is_settled());
}

#[test]
fn a_stalled_owner_is_mute_and_probes_before_the_watchdog_is_renewed() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    let late = now + STALL_LIMIT + Duration::from_millis(40);
    agent.poll(late);
    let outputs = agent.take_outputs();
    assert_eq!(order(&outputs), ["answer nothing", "probe", "renew"]);
    assert!(agent.answering().is_empty() && agent.election().claims().count() == 1);
    agent.poll(late + PROBE_TIME);
    assert_eq!(
        order(&agent.take_outputs()),
        ["answer", "announce", "renew"]
    );
}

#[test]
fn an_owner_that_lost_carrier_briefly_is_mute_until_probes_show_no_other_owner() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.carrier_flapped(now);
    agent.poll(now);
    let outputs = agent.take_outputs();
    assert_eq!(order(&outputs), ["answer nothing", "probe", "renew"]);
    assert_eq!(mute(&outputs), Some(PROBE_TIME));
    agent.observe(&sighting(FrameKind::Reply, now));
    agent.poll(now + PROBE_TIME / 2);
    assert_eq!(order(&agent.take_outputs()), ["unclaim", "renew"]);
}

/// An owner that heard `b` and lost its link; `b` is dead since.
fn cut_off(now: Instant) -> Agent {
    let (mut agent, _) = owner(now);
    agent.view_changed(seeing(member_b()));
    agent.poll(now);
    agent.links_changed(Vec::new(), now);
    agent.poll(now);
    agent.view_changed(seeing(Member {
        alive: false,
        silent_since: Some(now),
        ..member_b()
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
fn a_node_whose_link_is_back_takes_nothing_before_it_hears_the_members_of_before() {
    let now = Instant::now();
    let mut agent = cut_off(now);
    agent.links_changed(vec![link(1)], now);
    for after in [0, 400, 800, 1900] {
        agent.poll(now + Duration::from_millis(after));
    }
    let order = order(&agent.take_outputs());
    assert!(
        !order.contains(&"probe") && !order.contains(&"claim"),
        "{order:?}"
    );
    let mut owner = member_b();
    owner.state.insert(format!("claim/{IP}"), "2".to_owned());
    agent.view_changed(seeing(owner));
    agent.poll(now + Duration::from_millis(1950));
    assert_eq!(agent.links(), [link(1)]);
    assert_eq!(agent.election().claims().count(), 0);
}

#[test]
fn a_node_whose_link_is_back_waits_for_a_limited_time() {
    let now = Instant::now();
    let mut agent = cut_off(now);
    agent.links_changed(vec![link(1)], now);
    agent.poll(now + Duration::from_secs(2));
    assert_eq!(agent.election().claims().count(), 0);
    agent.poll(now + Duration::from_millis(2001));
    agent.poll(now + Duration::from_millis(2001) + PROBE_TIME);
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
fn a_node_without_a_link_on_an_ips_subnet_does_not_take_it_on_another() {
    let now = Instant::now();
    let mut agent = half_cut_off(now);
    for after in [2100, 2200, 5000] {
        agent.poll(now + Duration::from_millis(after));
    }
    assert_eq!(agent.links(), [spare()]);
    assert_eq!(agent.election().claims().count(), 0);
}

#[test]
fn a_link_that_is_back_beside_another_is_held_down_too() {
    let now = Instant::now();
    let mut agent = half_cut_off(now);
    let back = now + Duration::from_secs(5);
    agent.links_changed(vec![link(1), spare()], back);
    agent.poll(back + Duration::from_millis(1900));
    assert_eq!(agent.links(), [spare()]);
    agent.view_changed(seeing(member_b()));
    agent.poll(back + Duration::from_millis(1950));
    assert_eq!(agent.links(), [link(1), spare()]);
}

#[test]
fn a_link_over_which_no_member_was_heard_is_used_as_soon_as_it_is_back() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.links_changed(vec![link(1), spare()], now);
    agent.view_changed(seeing(member_b()));
    agent.links_changed(vec![link(1)], now);
    agent.poll(now + STALL_LIMIT);
    agent.links_changed(vec![link(1), spare()], now + STALL_LIMIT);
    assert_eq!(agent.links(), [link(1), spare()]);
    assert_eq!(agent.answering().len(), 1);
}

#[test]
fn a_node_that_was_alone_takes_its_ips_back_as_soon_as_its_link_is_back() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.links_changed(Vec::new(), now);
    agent.poll(now);
    agent.links_changed(vec![link(1)], now);
    agent.poll(now);
    assert_eq!(agent.election().claims().count(), 1);
}

#[test]
fn the_probing_after_a_stall_counts_as_mute() {
    let now = Instant::now();
    let late = STALL_LIMIT + Duration::from_millis(40);
    let (mut agent, _) = owner(now);
    agent.poll(now + late);
    let expected = Duration::from_millis(40) + PROBE_TIME;
    assert_eq!(mute(&agent.take_outputs()), Some(expected));
    let mut idle = alone(now);
    idle.poll(now + late);
    assert_eq!(mute(&idle.take_outputs()), Some(Duration::from_millis(40)));
}

#[test]
fn a_stalled_node_suspects_no_owner_for_answers_it_may_have_missed() {
    let now = Instant::now();
    let mut agent = alone(now);
    let mut owner = member_b();
    owner.state.insert(format!("claim/{IP}"), "1".to_owned());
    agent.view_changed(seeing(owner));
    agent.expect_peers(BTreeSet::new());
    let unanswered = [0, 15, 30].map(Duration::from_millis);
    let stalled = unanswered[2] + STALL_LIMIT + Duration::from_millis(1);
    for after in unanswered.into_iter().chain([stalled]) {
        agent.poll(now + after);
        let outputs = agent.take_outputs();
        assert!(order(&outputs).contains(&"probe"), "{outputs:?}");
        let missed = Output::Note(Note::ProbeMissed("b".to_owned()));
        assert!(!outputs.contains(&missed));
    }
}

#[test]
fn a_gap_within_the_limit_is_not_a_stall() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.poll(now + STALL_LIMIT);
    assert_eq!(mute(&agent.take_outputs()), None);
    assert_eq!(agent.answering().len(), 1);
}

#[test]
fn a_foreign_hosts_probe_for_an_owned_ip_is_a_conflict_and_moves_nothing() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.observe(&sighting(FrameKind::DadProbe, now));
    let outputs = agent.take_outputs();
    assert!(matches!(outputs[..], [Output::Note(Note::Action { .. })]));
    assert_eq!(agent.answering().len(), 1);
}

#[test]
fn a_foreign_hosts_claim_on_an_owned_ip_is_answered_by_announcing_it() {
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
fn the_same_links_again_change_nothing() {
    let now = Instant::now();
    let mut agent = alone(now);
    agent.take_outputs();
    agent.links_changed(agent.links().to_vec(), now);
    assert!(agent.take_outputs().is_empty());
}

#[test]
fn a_leaving_node_waits_for_its_successor_and_then_deletes_its_claims() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.view_changed(seeing(member_b()));
    agent.drain(now);
    agent.poll(now);
    assert!(!agent.has_left(now + Duration::from_secs(5)));
    assert!(agent.has_left(now + Duration::from_millis(5001)));
    assert_eq!(agent.retire(), [(format!("claim/{IP}"), None)]);
}

#[test]
fn a_leaving_node_without_ips_has_left_at_once() {
    let now = Instant::now();
    let (mut agent, _) = owner(now);
    agent.drain(now);
    agent.poll(now);
    assert!(agent.has_left(now) && agent.retire().is_empty());
}
