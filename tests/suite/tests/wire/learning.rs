//! Claims about IPv6: what others learn from our announcements and questions,
//! and what we learn from their answers.

use std::net::{IpAddr, Ipv6Addr};

use ferrolb_speaker::layer2::io::responder::WireEvent;
use ferrolb_speaker::layer2::wire::frame::{Frame, FrameKind, Sender};

use crate::lan::{Lan, ip};
use crate::station::Station;
use crate::wait::until;

const IP: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100));
/// The peer's own address, for which its kernel answers.
const PEER: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x20));
const OLD: &str = "02:00:00:00:00:99";

fn set_old_entry(lan: &Lan) {
    let old = format!("-6 neigh replace 2001:db8::100 lladdr {OLD} dev eth0 nud reachable");
    ip(&lan.peer(), &old);
}

fn entry(lan: &Lan) -> String {
    ip(&lan.peer(), "-6 neigh show 2001:db8::100")
}

/// With a link-local address, and as long as there is none.
fn senders(station: &Station) -> [Sender; 2] {
    let with = station.sender();
    let without = Sender {
        link_local: None,
        ..with
    };
    [with, without]
}

pub(crate) fn moves_an_ipv6_entry_by_unsolicited_advertisement() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    let eth0 = station.link("eth0");
    set_old_entry(&lan);
    for frame in Frame::announcements(IP, eth0.mac) {
        station.wire.send(eth0.index, &frame).unwrap();
    }
    until("the entry moves", || {
        let entry = entry(&lan);
        entry.contains(&eth0.mac.to_string()).then_some(())
    });
    assert_eq!(station.counters.ndp.announcements_sent.get(), 1);
}

pub(crate) fn asks_linux_and_speakers_with_and_without_link_local_address() {
    let lan = Lan::new();
    let mut station = Station::new(&lan.speaker(), &["eth0"]);
    let owner = Station::new(&lan.peer(), &["eth0"]);
    owner.own(IP, &["eth0"]);
    let theirs = owner.link("eth0").mac;
    for sender in senders(&station) {
        // Without a link-local address it is answered to everybody.
        let kind = match sender.link_local {
            Some(_) => FrameKind::Reply,
            None => FrameKind::Gratuitous,
        };
        for asked in [IP, PEER] {
            station.look_out_for(asked);
            for question in [
                Frame::probe(asked, sender),
                Frame::probe_to(asked, sender, theirs),
            ] {
                station.ask_until(&question, |seen| {
                    matches!(seen, WireEvent::Seen(it)
                        if (it.ip, it.mac, it.kind) == (asked, theirs, kind))
                });
            }
        }
    }
}

/// The answer to a question that comes later shows that the peer has dealt with
/// the one before.
pub(crate) fn a_question_in_ipv6_moves_no_entry() {
    let lan = Lan::new();
    let mut station = Station::new(&lan.speaker(), &["eth0"]);
    let eth0 = station.link("eth0");
    station.look_out_for(PEER);
    for sender in senders(&station) {
        set_old_entry(&lan);
        station
            .wire
            .send(eth0.index, &Frame::probe(IP, sender))
            .unwrap();
        station.ask(&Frame::probe(PEER, sender));
        let entry = entry(&lan);
        assert!(entry.contains(OLD), "{entry}");
    }
}
