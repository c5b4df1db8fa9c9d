//! Claims about what is answered, on which link, and when it is silent.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ferrolb_core::mac::Mac;
use ferrolb_speaker::layer2::wire::arp::ArpFrame;

use crate::lan::{Lan, arping, ip, put, who_has};
use crate::process::Speaker;
use crate::station::{LONG, Station};
use crate::wait::until;

const OWNED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

pub(crate) fn answers_arping_only_for_owned_ips() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    assert_eq!(
        who_has(&lan.peer(), "192.0.2.100"),
        [station.link("eth0").mac]
    );
    assert_eq!(who_has(&lan.peer(), "192.0.2.101"), []);
    assert_eq!(station.counters.arp.answers.get(), 1);
    station.wire.set_owned(Default::default());
    assert_eq!(who_has(&lan.peer(), "192.0.2.100"), []);
    station.wire.stop();
}

pub(crate) fn answers_a_duplicate_address_probe() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    let taken = arping(&lan.peer(), "-D -I eth0 192.0.2.100");
    assert_eq!(taken.status.code(), Some(1), "{taken:?}");
    let free = arping(&lan.peer(), "-D -I eth0 192.0.2.101");
    assert_eq!(free.status.code(), Some(0), "{free:?}");
}

pub(crate) fn does_not_answer_on_a_link_not_allowed() {
    let lan = Lan::new();
    lan.plug_in(&lan.speaker(), "eth1", "s1");
    let station = Station::new(&lan.speaker(), &["eth0", "eth1"]);
    for allowed in ["eth1", "eth0"] {
        station.own(OWNED, &[allowed]);
        let before = station.counters.arp.answers.get();
        let said = who_has(&lan.peer(), "192.0.2.100");
        assert_eq!(said, [station.link(allowed).mac], "allowed on {allowed}");
        assert_eq!(station.counters.arp.answers.get(), before + 1);
    }
}

pub(crate) fn is_mute_until_the_watchdog_is_renewed() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    station.wire.renew(Instant::now());
    assert_eq!(who_has(&lan.peer(), "192.0.2.100"), []);
    assert!(station.counters.arp.dropped_mute.get() > 0);
    assert_eq!(station.counters.arp.answers.get(), 0);
    station.wire.renew(Instant::now() + LONG);
    until("answers", || {
        (!who_has(&lan.peer(), "192.0.2.100").is_empty()).then_some(())
    });
}

/// Several times, because engine and responder wake up in either order.
pub(crate) fn drops_what_queued_up_while_it_was_frozen() {
    let lan = Lan::new();
    let mut speaker = Speaker::start(&lan.speaker(), OWNED, &[]);
    let mut asker = Station::new(&lan.peer(), &["eth0"]);
    let eth0 = asker.link("eth0");
    let question = ArpFrame::probe(OWNED, eth0.mac).into();
    asker.look_out_for(OWNED);
    for round in 0..10 {
        let (answered, dropped) = speaker.counts();
        speaker.freeze();
        std::thread::sleep(Duration::from_millis(150)); // Longer than the watchdog runs.
        while asker.event().is_some() {}
        for _ in 0..5 {
            asker.wire.send(eth0.index, &question).unwrap();
        }
        speaker.thaw();
        until("the queued requests are dropped", || {
            (speaker.counts().1 >= dropped + 5).then_some(())
        });
        assert_eq!(speaker.counts(), (answered, dropped + 5), "round {round}");
        assert_eq!(
            asker.event(),
            None,
            "round {round}: a queued request was answered"
        );
        asker.ask(&question);
    }
}

/// The kernel takes the tag off before a packet socket sees the frame.
pub(crate) fn does_not_answer_into_a_vlan_it_is_not_in() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
    let question = ArpFrame::probe(OWNED, Mac([2, 0, 0, 0, 0, 5])).emit();
    let tag = [0x81, 0, 0, 5];
    let tagged = [&question[..12], &tag, &question[12..]].concat();
    put(&lan.peer(), &tagged);
    // A frame that comes after it shows that it has been dealt with.
    put(&lan.peer(), &question);
    until("the question without a tag is answered", || {
        (station.counters.arp.answers.get() > 0).then_some(())
    });
    assert_eq!(station.counters.arp.requests.get(), 1);
}

/// The set of links is not told again: the socket heals by itself.
pub(crate) fn answers_again_after_its_link_was_down() {
    let lan = Lan::new();
    let station = Station::new(&lan.speaker(), &["eth0"]);
    station.own(OWNED, &["eth0"]);
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

pub(crate) fn names_the_capability_it_lacks() {
    let lan = Lan::new();
    let none = [
        "setpriv",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
    ];
    let words = Speaker::last_words(&lan.speaker(), OWNED, &none);
    assert!(words.contains("CAP_NET_RAW"), "{words:?}");
}
