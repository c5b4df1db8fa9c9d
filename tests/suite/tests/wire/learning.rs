//! Claims about IPv6: what neighbours learn from our announcements and probes, and
//! what we learn from their answers.

use std::net::{IpAddr, Ipv6Addr};

use ferrolb_speaker::layer2::io::responder::WireEvent;
use ferrolb_speaker::layer2::wire::frame::{Frame, FrameKind, Sender};

use crate::host::Host;
use crate::lan::{Lan, ip};
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

/// With a link-local address, and without one.
fn senders(host: &Host) -> [Sender; 2] {
    let with = host.sender();
    let without = Sender {
        link_local: None,
        ..with
    };
    [with, without]
}

pub(crate) fn moves_an_ipv6_entry_by_unsolicited_advertisement() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    let eth0 = host.link("eth0");
    set_old_entry(&lan);
    for frame in Frame::announcements(IP, eth0.mac) {
        host.wire.send(eth0.index, &frame).unwrap();
    }
    until("the entry moves", || {
        let entry = entry(&lan);
        entry.contains(&eth0.mac.to_string()).then_some(())
    });
    assert_eq!(host.counters.ndp.announcements_sent.get(), 1);
}

pub(crate) fn probes_linux_and_speakers_with_and_without_link_local_address() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    let owner = Host::new(&lan.peer(), &["eth0"]);
    owner.own(IP, &["eth0"]);
    let theirs = owner.link("eth0").mac;
    for sender in senders(&host) {
        // Without a link-local address the answer goes to all.
        let kind = match sender.link_local {
            Some(_) => FrameKind::Reply,
            None => FrameKind::Gratuitous,
        };
        for target in [IP, PEER] {
            host.watch_for(target);
            for request in [
                Frame::probe(target, sender),
                Frame::probe_to(target, sender, theirs),
            ] {
                host.send_until(&request, |seen| {
                    matches!(seen, WireEvent::Seen(it)
                        if (it.ip, it.mac, it.kind) == (target, theirs, kind))
                });
            }
        }
    }
}

/// The answer to a later probe shows that the peer has handled the one before.
pub(crate) fn a_solicitation_does_not_move_an_ipv6_entry() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    let eth0 = host.link("eth0");
    host.watch_for(PEER);
    for sender in senders(&host) {
        set_old_entry(&lan);
        host.wire
            .send(eth0.index, &Frame::probe(IP, sender))
            .unwrap();
        host.send_and_wait(&Frame::probe(PEER, sender));
        let entry = entry(&lan);
        assert!(entry.contains(OLD), "{entry}");
    }
}
