//! Claims about which requests are answered, on which link, and when none are.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ferrolb_core::mac::Mac;
use ferrolb_speaker::layer2::wire::arp::ArpFrame;

use crate::host::{Host, LONG};
use crate::lan::{Lan, arping, ip, put, who_has};
use crate::process::Speaker;
use crate::wait::until;

const OWNED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

pub(crate) fn answers_arping_only_for_owned_ips() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    assert_eq!(who_has(&lan.peer(), "192.0.2.100"), [host.link("eth0").mac]);
    assert_eq!(who_has(&lan.peer(), "192.0.2.101"), []);
    assert_eq!(host.counters.arp.answers.get(), 1);
    host.wire.set_owned(Default::default());
    assert_eq!(who_has(&lan.peer(), "192.0.2.100"), []);
    host.wire.stop();
}

pub(crate) fn answers_a_duplicate_address_probe() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    let taken = arping(&lan.peer(), "-D -I eth0 192.0.2.100");
    assert_eq!(taken.status.code(), Some(1), "{taken:?}");
    let free = arping(&lan.peer(), "-D -I eth0 192.0.2.101");
    assert_eq!(free.status.code(), Some(0), "{free:?}");
}

pub(crate) fn does_not_answer_on_a_link_not_allowed() {
    let lan = Lan::new();
    lan.plug_in(&lan.speaker(), "eth1", "s1");
    let host = Host::new(&lan.speaker(), &["eth0", "eth1"]);
    for allowed in ["eth1", "eth0"] {
        host.own(OWNED, &[allowed]);
        let before = host.counters.arp.answers.get();
        let answers = who_has(&lan.peer(), "192.0.2.100");
        assert_eq!(answers, [host.link(allowed).mac], "allowed on {allowed}");
        assert_eq!(host.counters.arp.answers.get(), before + 1);
    }
}

pub(crate) fn is_mute_until_the_watchdog_is_renewed() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    host.wire.renew(Instant::now());
    assert_eq!(who_has(&lan.peer(), "192.0.2.100"), []);
    assert!(host.counters.arp.dropped_mute.get() > 0);
    assert_eq!(host.counters.arp.answers.get(), 0);
    host.wire.renew(Instant::now() + LONG);
    until("answers", || {
        (!who_has(&lan.peer(), "192.0.2.100").is_empty()).then_some(())
    });
}

/// Several rounds, because engine and responder wake up in either order.
pub(crate) fn drops_what_queued_up_while_it_was_frozen() {
    let lan = Lan::new();
    let mut speaker = Speaker::start(&lan.speaker(), OWNED, &[]);
    let mut client = Host::new(&lan.peer(), &["eth0"]);
    let eth0 = client.link("eth0");
    let request = ArpFrame::probe(OWNED, eth0.mac).into();
    client.watch_for(OWNED);
    for round in 0..10 {
        let (answered, dropped) = speaker.counts();
        speaker.freeze();
        std::thread::sleep(Duration::from_millis(150)); // Longer than the watchdog runs.
        while client.event().is_some() {}
        for _ in 0..5 {
            client.wire.send(eth0.index, &request).unwrap();
        }
        speaker.thaw();
        until("the queued requests are dropped", || {
            (speaker.counts().1 >= dropped + 5).then_some(())
        });
        assert_eq!(speaker.counts(), (answered, dropped + 5), "round {round}");
        assert_eq!(
            client.event(),
            None,
            "round {round}: a queued request was answered"
        );
        client.send_and_wait(&request);
    }
}

/// The kernel removes the tag before a packet socket receives the frame.
pub(crate) fn does_not_answer_into_a_vlan_it_is_not_in() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    let request = ArpFrame::probe(OWNED, Mac([2, 0, 0, 0, 0, 5])).emit();
    let tag = [0x81, 0, 0, 5];
    let tagged = [&request[..12], &tag, &request[12..]].concat();
    put(&lan.peer(), &tagged);
    // The answer to a later frame shows that this one has been handled.
    put(&lan.peer(), &request);
    until("the request without a tag is answered", || {
        (host.counters.arp.answers.get() > 0).then_some(())
    });
    assert_eq!(host.counters.arp.requests.get(), 1);
}

/// The set of links is not sent again: the socket is reopened by itself.
pub(crate) fn answers_again_after_its_link_was_down() {
    let lan = Lan::new();
    let host = Host::new(&lan.speaker(), &["eth0"]);
    host.own(OWNED, &["eth0"]);
    ip(&lan.speaker(), "link set eth0 down");
    ip(&lan.speaker(), "link set eth0 up");
    until("answers again", || {
        (!who_has(&lan.peer(), "192.0.2.100").is_empty()).then_some(())
    });
}

pub(crate) fn works_with_net_raw_alone() {
    let lan = Lan::new();
    let only = [
        "setpriv",
        "--inh-caps=-all",
        "--bounding-set=-all,+net_raw",
        "--no-new-privs",
    ];
    let _speaker = Speaker::start(&lan.speaker(), OWNED, &only);
    until("answers", || {
        (!who_has(&lan.peer(), "192.0.2.100").is_empty()).then_some(())
    });
}

pub(crate) fn names_the_missing_capability() {
    let lan = Lan::new();
    let none = [
        "setpriv",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
    ];
    let output = Speaker::final_output(&lan.speaker(), OWNED, &none);
    assert!(output.contains("CAP_NET_RAW"), "{output:?}");
}
