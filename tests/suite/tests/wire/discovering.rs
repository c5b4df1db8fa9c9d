//! Claims about IPv6: which solicitations are answered, and which groups are
//! joined. The peer's kernel sends the solicitations.

use std::net::{Ipv6Addr, UdpSocket};
use std::time::{Duration, Instant};

use ferrolb_lab::netns;
use ferrolb_speaker::layer2::io::responder::WireEvent;
use ferrolb_speaker::layer2::wire::frame::FrameKind;
use ferrolb_speaker::layer2::wire::ndp::{Message, NdpFrame};

use crate::host::Host;
use crate::lan::{Lan, ip};
use crate::process::Speaker;
use crate::wait::until;

const OWNED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100);
const GROUP: &str = "ff02::1:ff00:100";
const SHOW: &str = "-6 neigh show 2001:db8::100";

/// Makes the peer's kernel resolve an address.
fn resolve(namespace: &str, address: &str) {
    netns::enter(namespace, || {
        let socket = UdpSocket::bind("[::]:0").unwrap();
        socket.send_to(&[0], (address, 9)).unwrap();
    })
    .unwrap();
}

fn becomes_reachable(lan: &Lan, host: &Host) {
    let mac = host.link("eth0").mac.to_string();
    until("the entry is reachable", || {
        let entry = ip(&lan.peer(), SHOW);
        (entry.contains(&mac) && entry.contains("REACHABLE")).then_some(())
    });
}

pub(crate) fn a_linux_peer_resolves_an_owned_ipv6_address() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    resolve(&lan.peer(), "2001:db8::101");
    resolve(&lan.peer(), "2001:db8::100");
    becomes_reachable(&lan, &host);
    let counters = &host.counters.ndp;
    let (requests, answers) = (counters.requests.get(), counters.answers.get());
    assert!(
        requests > 0 && answers == requests,
        "{answers} of {requests}"
    );
    let other = ip(&lan.peer(), "-6 neigh show 2001:db8::101");
    assert!(!other.contains("lladdr"), "{other}");
}

/// In this state Linux sends unicast only, and gives up after three attempts.
pub(crate) fn confirms_an_entry_that_is_probed_by_unicast() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    let mac = host.link("eth0").mac;
    let probe = format!("-6 neigh replace 2001:db8::100 lladdr {mac} dev eth0 nud probe");
    ip(&lan.peer(), &probe);
    becomes_reachable(&lan, &host);
}

pub(crate) fn answers_a_unicast_solicitation_without_source_option() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    let mut client = Host::new(&lan.peer(), &["eth0"]);
    client.watch_for(OWNED);
    let (us, mac) = (client.sender(), host.link("eth0").mac);
    let mut request = NdpFrame::request(OWNED, us.mac, us.link_local, mac);
    request.dst = OWNED;
    request.message = Message::Solicitation { source_mac: None };
    let seen = client.send_and_wait(&request.into());
    let by = matches!(seen, WireEvent::Seen(it) if it.kind == FrameKind::Reply && it.mac == mac);
    assert!(by, "{seen:?} is not {mac}");
}

pub(crate) fn defends_its_ipv6_address_and_reports_the_claimant() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
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
    host.wait_for("the duplicate-address probe is reported", |event| {
        matches!(event, WireEvent::Seen(it)
            if it.kind == FrameKind::DadProbe && it.ip == OWNED
                && theirs.contains(&it.mac.to_string()))
    });
}

pub(crate) fn is_mute_in_ipv6_until_the_watchdog_is_renewed() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    host.wire.renew(Instant::now());
    resolve(&lan.peer(), "2001:db8::100");
    let counters = &host.counters.ndp;
    until("the request is dropped", || {
        (counters.dropped_mute.get() > 0).then_some(())
    });
    assert_eq!(counters.answers.get(), 0);
    host.wire.renew(Instant::now() + Duration::from_secs(60));
    until("answers", || {
        resolve(&lan.peer(), "2001:db8::100");
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
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    joined(&lan.speaker(), "eth0", true);
    lan.plug_in(&lan.speaker(), "eth1", "s1");
    // Owned on it before it has a socket, as may happen.
    host.own(OWNED, &["eth0", "eth1"]);
    let (eth0, eth1) = (host.link("eth0"), host.link("eth1"));
    host.wire.set_links(vec![eth0.clone(), eth1]);
    joined(&lan.speaker(), "eth1", true);
    host.wire.set_links(vec![eth0]);
    joined(&lan.speaker(), "eth1", false);
    joined(&lan.speaker(), "eth0", true);
    host.wire.set_owned(Default::default());
    joined(&lan.speaker(), "eth0", false);
}

/// Linux disables IPv6 on a link with an MTU below 1280 bytes.
pub(crate) fn reports_that_it_cannot_join_a_group_and_joins_when_it_can() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    ip(&lan.speaker(), "link set eth0 mtu 1200");
    host.own(OWNED, &["eth0"]);
    host.wait_for("the failure is reported", |event| {
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
        resolve(&lan.peer(), "2001:db8::100");
        ip(&lan.peer(), SHOW).contains("lladdr").then_some(())
    });
}
