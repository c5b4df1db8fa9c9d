//! Claims about IPv6: what is answered, and which groups are joined. The peer's
//! kernel asks.

use std::net::{Ipv6Addr, UdpSocket};
use std::time::{Duration, Instant};

use ferrolb_lab::netns;
use ferrolb_speaker::layer2::io::responder::WireEvent;
use ferrolb_speaker::layer2::wire::frame::FrameKind;
use ferrolb_speaker::layer2::wire::ndp::{Message, NdpFrame};

use crate::lan::{Lan, ip};
use crate::process::Speaker;
use crate::station::Station;
use crate::wait::until;

const OWNED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100);
const GROUP: &str = "ff02::1:ff00:100";
const SHOW: &str = "-6 neigh show 2001:db8::100";

/// Makes the peer's kernel look for an address.
fn seek(namespace: &str, address: &str) {
    netns::enter(namespace, || {
        let socket = UdpSocket::bind("[::]:0").unwrap();
        socket.send_to(&[0], (address, 9)).unwrap();
    })
    .unwrap();
}

fn becomes_reachable(lan: &Lan, station: &Station) {
    let mac = station.link("eth0").mac.to_string();
    until("the entry is reachable", || {
        let entry = ip(&lan.peer(), SHOW);
        (entry.contains(&mac) && entry.contains("REACHABLE")).then_some(())
    });
}

pub(crate) fn a_linux_peer_resolves_an_owned_ipv6_address() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    seek(&lan.peer(), "2001:db8::101");
    seek(&lan.peer(), "2001:db8::100");
    becomes_reachable(&lan, &station);
    let counters = &station.counters.ndp;
    let (asked, answered) = (counters.requests.get(), counters.answers.get());
    assert!(asked > 0 && answered == asked, "{answered} of {asked}");
    let other = ip(&lan.peer(), "-6 neigh show 2001:db8::101");
    assert!(!other.contains("lladdr"), "{other}");
}

/// In this state Linux asks by unicast only, and gives up after three times.
pub(crate) fn confirms_an_entry_that_is_probed_by_unicast() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    let mac = station.link("eth0").mac;
    let probe = format!("-6 neigh replace 2001:db8::100 lladdr {mac} dev eth0 nud probe");
    ip(&lan.peer(), &probe);
    becomes_reachable(&lan, &station);
}

pub(crate) fn answers_a_unicast_question_without_source_option() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    let mut asker = Station::new(&lan.peer(), &["eth0"]);
    asker.look_out_for(OWNED);
    let (us, mac) = (asker.sender(), station.link("eth0").mac);
    let mut question = NdpFrame::request(OWNED, us.mac, us.link_local, mac);
    question.dst = OWNED;
    question.message = Message::Solicitation { source_mac: None };
    let seen = asker.ask(&question.into());
    let by = matches!(seen, WireEvent::Seen(it) if it.kind == FrameKind::Reply && it.mac == mac);
    assert!(by, "{seen:?} is not {mac}");
}

pub(crate) fn defends_its_ipv6_address_and_reports_who_wanted_it() {
    let lan = Lan::new();
    let mut station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    ip(&lan.peer(), "addr add 2001:db8::100/64 dev eth0");
    ip(&lan.peer(), "addr add 2001:db8::101/64 dev eth0");
    let state_of = |address: &str| ip(&lan.peer(), &format!("-6 addr show to {address}"));
    until("the peer gives the address up", || {
        let state = state_of("2001:db8::100");
        state.contains("dadfailed").then_some(())
    });
    until("the peer takes the one that is free", || {
        let state = state_of("2001:db8::101");
        let taken = state.contains("2001:db8::101") && !state.contains("tentative");
        taken.then_some(())
    });
    let theirs = ip(&lan.peer(), "link show eth0");
    station.wait_for("the test is reported", |event| {
        matches!(event, WireEvent::Seen(it)
            if it.kind == FrameKind::DadProbe && it.ip == OWNED
                && theirs.contains(&it.mac.to_string()))
    });
}

pub(crate) fn is_mute_in_ipv6_until_the_watchdog_is_renewed() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    station.wire.renew(Instant::now());
    seek(&lan.peer(), "2001:db8::100");
    let counters = &station.counters.ndp;
    until("the question is dropped", || {
        (counters.dropped_mute.get() > 0).then_some(())
    });
    assert_eq!(counters.answers.get(), 0);
    station.wire.renew(Instant::now() + Duration::from_secs(60));
    until("answers", || {
        seek(&lan.peer(), "2001:db8::100");
        ip(&lan.peer(), SHOW).contains("lladdr").then_some(())
    });
}

fn joined(namespace: &str, nic: &str, yes: bool) {
    until(&format!("{nic} joins or leaves the group"), || {
        let groups = ip(namespace, &format!("-6 maddr show dev {nic}"));
        (groups.split_whitespace().any(|word| word == GROUP) == yes).then_some(())
    });
}

pub(crate) fn joins_groups_on_links_that_come_later_and_leaves_them() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    joined(&lan.speaker(), "eth0", true);
    lan.plug_in(&lan.speaker(), "eth1", "s1");
    // Owned on it before it is listened on, as it may happen.
    station.own(OWNED, &["eth0", "eth1"]);
    let (eth0, eth1) = (station.link("eth0"), station.link("eth1"));
    station.wire.set_links(vec![eth0.clone(), eth1]);
    joined(&lan.speaker(), "eth1", true);
    station.wire.set_links(vec![eth0]);
    joined(&lan.speaker(), "eth1", false);
    joined(&lan.speaker(), "eth0", true);
    station.wire.set_owned(Default::default());
    joined(&lan.speaker(), "eth0", false);
}

/// Linux takes IPv6 off a link whose packets are shorter than 1280 bytes.
pub(crate) fn tells_that_it_cannot_join_a_group_and_joins_when_it_can() {
    let lan = Lan::new();
    let mut station = Station::new(&lan.speaker(), &["eth0"]);
    ip(&lan.speaker(), "link set eth0 mtu 1200");
    station.own(OWNED, &["eth0"]);
    station.wait_for("the failure is told", |event| {
        matches!(event, WireEvent::GroupFailed { .. })
    });
    ip(&lan.speaker(), "link set eth0 mtu 1500");
    joined(&lan.speaker(), "eth0", true);
}

pub(crate) fn joins_groups_with_net_raw_alone() {
    let lan = Lan::new();
    let only = [
        "setpriv",
        "--inh-caps=-all",
        "--bounding-set=-all,+net_raw",
        "--no-new-privs",
    ];
    let _speaker = Speaker::start(&lan.speaker(), OWNED, &only);
    joined(&lan.speaker(), "eth0", true);
    until("answers", || {
        seek(&lan.peer(), "2001:db8::100");
        ip(&lan.peer(), SHOW).contains("lladdr").then_some(())
    });
}
