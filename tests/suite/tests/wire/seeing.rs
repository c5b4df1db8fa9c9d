//! Claims about what neighbours learn from our announcements, and what we learn
//! from theirs.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use ferrolb_core::mac::Mac;
use ferrolb_speaker::layer2::io::responder::WireEvent;
use ferrolb_speaker::layer2::wire::arp::ArpFrame;
use ferrolb_speaker::layer2::wire::frame::FrameKind;

use crate::host::Host;
use crate::lan::{Lan, ip};
use crate::wait::until;

const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

pub(crate) fn moves_a_neighbour_entry_by_gratuitous_arp() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    let eth0 = host.link("eth0");
    let forms = [
        ArpFrame::gratuitous_request(IP, eth0.mac),
        ArpFrame::gratuitous_reply(IP, eth0.mac),
    ];
    for form in forms {
        let old = "neigh replace 192.0.2.100 lladdr 02:00:00:00:00:99 dev eth0 nud reachable";
        ip(&lan.peer(), old);
        host.wire.send(eth0.index, &form.into()).unwrap();
        until(
            &format!("the entry moves by a {:?}", form.operation),
            || {
                let entry = ip(&lan.peer(), "neigh show 192.0.2.100");
                entry.contains(&eth0.mac.to_string()).then_some(())
            },
        );
    }
    assert_eq!(host.counters.arp.announcements_sent.get(), 2);
}

pub(crate) fn reports_a_foreign_claim() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    let other = Host::new(&lan.peer(), &["eth0"]);
    let theirs = other.link("eth0");
    host.watch_for(IP);
    // Not relevant: another address, and a request that claims nothing.
    let frames = [
        ArpFrame::gratuitous_request(Ipv4Addr::new(192, 0, 2, 101), theirs.mac),
        ArpFrame::probe(IP, theirs.mac),
        ArpFrame::gratuitous_reply(IP, theirs.mac),
    ];
    for frame in frames {
        other.wire.send(theirs.index, &frame.into()).unwrap();
    }
    let seen = host.wait_for("the claim is reported", |_| true);
    let on = host.link("eth0").index;
    assert_seen(&seen, on, theirs.mac, FrameKind::Gratuitous);
}

pub(crate) fn reports_the_answer_to_a_probe() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    let owner = Host::new(&lan.peer(), &["eth0"]);
    owner.own(IP, &["eth0"]);
    host.watch_for(IP);
    let (ours, theirs) = (host.link("eth0"), owner.link("eth0"));
    let requests = [
        ArpFrame::probe(IP, ours.mac),
        ArpFrame::probe_to(IP, ours.mac, theirs.mac),
    ];
    for request in requests {
        let seen = host.send_and_wait(&request.into());
        assert_seen(&seen, ours.index, theirs.mac, FrameKind::Reply);
    }
    assert!(host.counters.arp.probes_sent.get() >= 2);
}

pub(crate) fn a_flood_of_claims_is_thinned_out() {
    let lan = Lan::new();
    let mut host = Host::new(&lan.speaker(), &["eth0"]);
    let other = Host::new(&lan.peer(), &["eth0"]);
    let theirs = other.link("eth0");
    host.watch_for(IP);
    let claim = ArpFrame::gratuitous_reply(IP, theirs.mac).into();
    let start = Instant::now();
    for _ in 0..5000 {
        // Frames that the kernel rejects under such load are lost, as on a LAN.
        let _ = other.wire.send(theirs.index, &claim);
    }
    let mut seen = 0;
    until("the flood is over", || {
        let mut quiet = true;
        while host.event().is_some() {
            (seen, quiet) = (seen + 1, false);
        }
        std::thread::sleep(Duration::from_millis(30));
        quiet.then_some(())
    });
    let windows = start.elapsed().as_millis() / 10 + 2;
    assert!(
        (1..=windows).contains(&seen),
        "{seen} reports in {windows} windows"
    );
}

fn assert_seen(event: &WireEvent, on: u32, by: Mac, kind: FrameKind) {
    let right = matches!(event, WireEvent::Seen(seen)
        if (seen.link, seen.ip, seen.mac, seen.kind) == (on, IpAddr::V4(IP), by, kind));
    assert!(right, "{event:?} is not {by} on link {on}");
}
