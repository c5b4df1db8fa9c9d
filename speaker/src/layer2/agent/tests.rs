//! Claims about what a speaker alone does, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Conduct, Effect, Note, Settings};
use crate::eligibility::{DesiredIp, NodeEligibility};
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
fn alone(now: Instant) -> Conduct {
    let settings = Settings {
        node: "a".to_owned(),
        interval: Duration::from_millis(50),
        detection_time: DETECTION,
        refresh: None,
        probe_fresh: Duration::ZERO,
    };
    let mut conduct = Conduct::new(settings, now);
    conduct.links_changed(vec![link(1)], now);
    conduct
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

fn wanted() -> BTreeMap<IpAddr, DesiredIp> {
    let grants = ["a", "b"].map(|node| (node.to_owned(), NodeEligibility::default()));
    let wanted = DesiredIp {
        nodes: grants.into(),
        no_common_node: false,
    };
    BTreeMap::from([(IP, wanted)])
}

/// The same, after it took the IP; and what it did then.
fn owner(now: Instant) -> (Conduct, Vec<Effect>) {
    let mut conduct = alone(now);
    conduct.expect_peers(BTreeSet::new());
    conduct.turn(&wanted(), now);
    let effects = conduct.take_effects();
    (conduct, effects)
}

/// The effects that others notice, in a word each.
fn order(effects: &[Effect]) -> Vec<&'static str> {
    let is_claim = |key: &str| key.starts_with("claim/");
    let word = |effect: &Effect| match effect {
        Effect::Answer(owned) if owned.is_empty() => Some("answer nothing"),
        Effect::Answer(_) => Some("answer"),
        Effect::Publish(keys) => {
            let (_, value) = keys.iter().find(|(key, _)| is_claim(key))?;
            Some(value.as_ref().map_or("unclaim", |_| "claim"))
        }
        Effect::Send(_, frame) if frame.purpose() == Purpose::Probe => Some("ask"),
        Effect::Send(_, frame) if frame.purpose() == Purpose::Announcement => Some("announce"),
        Effect::Vouch(_) => Some("vouch"),
        Effect::Send(..) | Effect::Watch(_) | Effect::Note(_) => None,
    };
    let mut words: Vec<_> = effects.iter().filter_map(word).collect();
    words.dedup();
    words
}

fn mute(effects: &[Effect]) -> Option<Duration> {
    effects.iter().find_map(|effect| match effect {
        Effect::Note(Note::Stalled { mute, .. } | Note::Flapped { mute }) => Some(*mute),
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
    let (_, effects) = owner(Instant::now());
    assert_eq!(order(&effects), ["answer", "claim", "announce", "vouch"]);
}

#[test]
fn a_withdrawn_ip_is_no_longer_answered_for_when_its_claim_is_taken_back() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.wanted_changed();
    conduct.turn(&BTreeMap::new(), now);
    let effects = conduct.take_effects();
    assert_eq!(order(&effects), ["answer nothing", "unclaim", "vouch"]);
}

#[test]
fn nothing_is_taken_before_the_lists_are_in() {
    let mut conduct = alone(Instant::now());
    let later = Instant::now() + Duration::from_secs(60);
    conduct.turn(&wanted(), later);
    assert!(!conduct.is_settled());
    assert_eq!(conduct.claims().count(), 0);
}

#[test]
fn peers_that_are_not_seen_are_waited_for_but_not_for_ever() {
    let now = Instant::now();
    let mut conduct = alone(now);
    conduct.expect_peers(BTreeSet::from([(IP, 9618).into()]));
    conduct.turn(&wanted(), now + Duration::from_secs(2));
    assert!(!conduct.is_settled());
    conduct.turn(&wanted(), now + Duration::from_millis(2001));
    assert!(conduct.is_settled());
}

#[test]
fn who_stood_still_is_mute_and_asks_before_it_is_vouched_for() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    let late = now + STALL_LIMIT + Duration::from_millis(40);
    conduct.turn(&wanted(), late);
    let effects = conduct.take_effects();
    assert_eq!(order(&effects), ["answer nothing", "ask", "vouch"]);
    assert!(conduct.answering().is_empty() && conduct.claims().count() == 1);
    conduct.turn(&wanted(), late + ASK);
    assert_eq!(
        order(&conduct.take_effects()),
        ["answer", "announce", "vouch"]
    );
}

#[test]
fn who_lost_carrier_for_a_moment_is_mute_and_asks_whether_another_took_over() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.carrier_flapped(now);
    conduct.turn(&wanted(), now);
    let effects = conduct.take_effects();
    assert_eq!(order(&effects), ["answer nothing", "ask", "vouch"]);
    assert_eq!(mute(&effects), Some(ASK));
    conduct.sighted(&sighting(FrameKind::Reply, now));
    conduct.turn(&wanted(), now + ASK / 2);
    assert_eq!(order(&conduct.take_effects()), ["unclaim", "vouch"]);
}

/// An owner that heard `b`, and lost its link; `b` is silent since.
fn cut_off(now: Instant) -> Conduct {
    let (mut conduct, _) = owner(now);
    conduct.view_changed(seeing(heir()));
    conduct.turn(&wanted(), now);
    conduct.links_changed(Vec::new(), now);
    conduct.turn(&wanted(), now);
    conduct.view_changed(seeing(Member {
        alive: false,
        silent_since: Some(now),
        ..heir()
    }));
    conduct.turn(&wanted(), now);
    assert!(conduct.answering().is_empty() && conduct.claims().count() == 0);
    conduct.take_effects();
    conduct
}

fn seeing(member: Member) -> Arc<View> {
    Arc::new(View {
        members: BTreeMap::from([(member.node.clone(), member)]),
    })
}

#[test]
fn whose_link_is_back_takes_nothing_before_it_hears_whom_it_heard_before() {
    let now = Instant::now();
    let mut conduct = cut_off(now);
    conduct.links_changed(vec![link(1)], now);
    for after in [0, 400, 800, 1900] {
        conduct.turn(&wanted(), now + Duration::from_millis(after));
    }
    let order = order(&conduct.take_effects());
    assert!(
        !order.contains(&"ask") && !order.contains(&"claim"),
        "{order:?}"
    );
    let mut owner = heir();
    owner.state.insert(format!("claim/{IP}"), "2".to_owned());
    conduct.view_changed(seeing(owner));
    conduct.turn(&wanted(), now + Duration::from_millis(1950));
    assert_eq!(conduct.links(), [link(1)]);
    assert_eq!(conduct.claims().count(), 0);
}

#[test]
fn whose_link_is_back_does_not_wait_for_ever() {
    let now = Instant::now();
    let mut conduct = cut_off(now);
    conduct.links_changed(vec![link(1)], now);
    conduct.turn(&wanted(), now + Duration::from_secs(2));
    assert_eq!(conduct.claims().count(), 0);
    conduct.turn(&wanted(), now + Duration::from_millis(2001));
    conduct.turn(&wanted(), now + Duration::from_millis(2001) + ASK);
    assert_eq!(conduct.claims().count(), 1);
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
fn half_cut_off(now: Instant) -> Conduct {
    let mut conduct = cut_off(now);
    conduct.links_changed(vec![spare()], now);
    conduct.turn(&wanted(), now);
    conduct.turn(&wanted(), now + Duration::from_millis(2001));
    conduct
}

#[test]
fn who_lost_the_link_to_an_ips_network_takes_it_on_no_other() {
    let now = Instant::now();
    let mut conduct = half_cut_off(now);
    for after in [2100, 2200, 5000] {
        conduct.turn(&wanted(), now + Duration::from_millis(after));
    }
    assert_eq!(conduct.links(), [spare()]);
    assert_eq!(conduct.claims().count(), 0);
}

#[test]
fn a_link_that_is_back_beside_another_waits_as_well() {
    let now = Instant::now();
    let mut conduct = half_cut_off(now);
    let back = now + Duration::from_secs(5);
    conduct.links_changed(vec![link(1), spare()], back);
    conduct.turn(&wanted(), back + Duration::from_millis(1900));
    assert_eq!(conduct.links(), [spare()]);
    conduct.view_changed(seeing(heir()));
    conduct.turn(&wanted(), back + Duration::from_millis(1950));
    assert_eq!(conduct.links(), [link(1), spare()]);
}

#[test]
fn a_link_over_which_nobody_was_heard_is_used_as_soon_as_it_is_back() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.links_changed(vec![link(1), spare()], now);
    conduct.view_changed(seeing(heir()));
    conduct.links_changed(vec![link(1)], now);
    conduct.turn(&wanted(), now + STALL_LIMIT);
    conduct.links_changed(vec![link(1), spare()], now + STALL_LIMIT);
    assert_eq!(conduct.links(), [link(1), spare()]);
    assert_eq!(conduct.answering().len(), 1);
}

#[test]
fn who_was_alone_before_takes_its_ips_back_as_soon_as_its_link_is_back() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.links_changed(Vec::new(), now);
    conduct.turn(&wanted(), now);
    conduct.links_changed(vec![link(1)], now);
    conduct.turn(&wanted(), now);
    assert_eq!(conduct.claims().count(), 1);
}

#[test]
fn the_time_for_which_an_owner_asks_after_a_stall_counts_as_mute() {
    let now = Instant::now();
    let late = STALL_LIMIT + Duration::from_millis(40);
    let (mut conduct, _) = owner(now);
    conduct.turn(&wanted(), now + late);
    let asked = Duration::from_millis(40) + ASK;
    assert_eq!(mute(&conduct.take_effects()), Some(asked));
    let mut idle = alone(now);
    idle.turn(&wanted(), now + late);
    assert_eq!(mute(&idle.take_effects()), Some(Duration::from_millis(40)));
}

#[test]
fn who_stood_still_blames_no_owner_for_answers_it_may_have_missed() {
    let now = Instant::now();
    let mut conduct = alone(now);
    let mut owner = heir();
    owner.state.insert(format!("claim/{IP}"), "1".to_owned());
    conduct.view_changed(seeing(owner));
    conduct.expect_peers(BTreeSet::new());
    let unanswered = [0, 15, 30].map(Duration::from_millis);
    let stalled = unanswered[2] + STALL_LIMIT + Duration::from_millis(1);
    for after in unanswered.into_iter().chain([stalled]) {
        conduct.turn(&wanted(), now + after);
        let effects = conduct.take_effects();
        assert!(order(&effects).contains(&"ask"), "{effects:?}");
        let missed = Effect::Note(Note::Missed("b".to_owned()));
        assert!(!effects.contains(&missed));
    }
}

#[test]
fn a_gap_within_the_stall_limit_is_no_stall() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.turn(&wanted(), now + STALL_LIMIT);
    assert_eq!(mute(&conduct.take_effects()), None);
    assert_eq!(conduct.answering().len(), 1);
}

#[test]
fn a_strangers_test_for_an_owned_ip_is_a_conflict_and_moves_nothing() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.sighted(&sighting(FrameKind::DadProbe, now));
    let effects = conduct.take_effects();
    assert!(matches!(effects[..], [Effect::Note(Note::Action { .. })]));
    assert_eq!(conduct.answering().len(), 1);
}

#[test]
fn a_stranger_that_claims_an_owned_ip_is_answered_by_announcing_it() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.sighted(&sighting(FrameKind::Gratuitous, now));
    conduct.turn(&wanted(), now);
    let effects = conduct.take_effects();
    let announced = effects.iter().any(|effect| {
        matches!(effect, Effect::Send(2, frame @ Frame::Arp(_)) if frame.purpose() == Purpose::Announcement)
    });
    assert!(announced);
}

#[test]
fn the_same_links_again_are_no_news() {
    let now = Instant::now();
    let mut conduct = alone(now);
    conduct.take_effects();
    conduct.links_changed(conduct.links().to_vec(), now);
    assert!(conduct.take_effects().is_empty());
}

#[test]
fn who_leaves_waits_for_its_heir_and_then_takes_its_claims_back() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.view_changed(seeing(heir()));
    conduct.drain(now);
    conduct.turn(&wanted(), now);
    assert!(!conduct.has_left(now + Duration::from_secs(5)));
    assert!(conduct.has_left(now + Duration::from_millis(5001)));
    assert_eq!(conduct.retire(), [(format!("claim/{IP}"), None)]);
}

#[test]
fn who_leaves_without_an_heir_has_left_at_once() {
    let now = Instant::now();
    let (mut conduct, _) = owner(now);
    conduct.drain(now);
    conduct.turn(&wanted(), now);
    assert!(conduct.has_left(now) && conduct.retire().is_empty());
}
