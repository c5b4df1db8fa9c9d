//! Claims about the prober: the result (pure), the parsers, and a run against a
//! workload on the loopback interface.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::thread;

use super::log::Log;
use super::tally::Tally;
use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Probes as (sent, answered, node), all in milliseconds.
fn samples(probes: &[(u64, Option<(u64, &str)>)]) -> Vec<Sample> {
    let answer = |(at, node): (u64, &str)| Answer {
        at: ms(at),
        by: Arc::new(Responder {
            pod: format!("echo-{node}"),
            node: node.to_owned(),
        }),
    };
    probes
        .iter()
        .map(|(sent, got)| Sample {
            sent: ms(*sent),
            answer: got.map(answer),
        })
        .collect()
}

fn node(responder: Option<Responder>) -> Option<String> {
    responder.map(|r| r.node)
}

#[test]
fn the_outage_is_the_longest_gap_between_answers() {
    let report = silence(&samples(&[
        (0, Some((1, "a"))),
        (2, Some((3, "a"))),
        (4, None),
        (6, None),
        (8, Some((60, "b"))),
        (62, Some((63, "b"))),
    ]));
    assert_eq!((report.longest, report.began), (ms(57), ms(3)));
    assert_eq!((report.sent, report.lost), (6, 2));
    assert_eq!(
        (node(report.before), node(report.after)),
        (Some("a".into()), Some("b".into()))
    );
    assert_eq!((report.probed, report.stalled), (ms(63), ms(54)));
}

#[test]
fn a_late_answer_does_not_shorten_the_outage() {
    let report = silence(&samples(&[
        (0, Some((1, "a"))),
        (2, Some((90, "b"))),
        (4, Some((88, "b"))),
    ]));
    assert_eq!(
        (report.longest, report.began, report.lost),
        (ms(87), ms(1), 0)
    );
}

#[test]
fn without_any_answer_the_outage_is_the_whole_run() {
    let report = silence(&samples(&[(10, None), (20, None), (30, None)]));
    assert_eq!(
        (report.longest, report.began, report.lost),
        (ms(20), ms(0), 3)
    );
    assert_eq!((report.before, report.after), (None, None));
}

#[test]
fn an_outage_at_the_end_counts() {
    let report = silence(&samples(&[(0, Some((1, "a"))), (50, None), (100, None)]));
    assert_eq!((report.longest, report.began), (ms(99), ms(1)));
    assert_eq!(
        (node(report.before), report.after),
        (Some("a".into()), None)
    );
}

#[test]
fn an_outage_at_the_start_counts() {
    let report = silence(&samples(&[(5, None), (7, Some((47, "b")))]));
    assert_eq!((report.longest, report.began), (ms(42), ms(0)));
    assert_eq!(
        (report.before, node(report.after)),
        (None, Some("b".into()))
    );
}

#[test]
fn a_run_without_probes_has_no_outage() {
    let report = silence(&[]);
    assert_eq!((report.longest, report.sent, report.lost), (ms(0), 0, 0));
}

#[test]
fn parses_only_the_line_of_the_workload() {
    let read = Responder::parse("pod=echo-x7 node=node-2\n").unwrap();
    assert_eq!(read.to_string(), "echo-x7 on node-2");
    for other in [
        "",
        "hello",
        "pod=",
        "pod=a",
        "pod= node=b",
        "pod=a node=",
        "pod=a node=b c",
    ] {
        assert_eq!(Responder::parse(other), None, "{other:?}");
    }
}

#[test]
fn a_datagram_of_another_run_is_not_an_answer() {
    let answer = |run: u64, number: u64| {
        [
            b"pod=a node=b\n".as_slice(),
            &run.to_be_bytes(),
            &number.to_be_bytes(),
        ]
        .concat()
    };
    assert_eq!(udp::parse(&answer(7, 42), 7), Some(("pod=a node=b\n", 42)));
    assert_eq!(udp::parse(&answer(8, 42), 7), None);
    assert_eq!(udp::parse(b"pod=a node=b\n", 7), None);
    assert_eq!(udp::parse(b"", 7), None);
}

#[test]
fn only_status_200_is_a_valid_answer() {
    assert_eq!(
        http::body("HTTP/1.1 200 OK\r\nA: b\r\n\r\npod=a node=b\n"),
        Some("pod=a node=b\n")
    );
    assert_eq!(http::body("HTTP/1.1 503 No\r\n\r\npod=a node=b\n"), None);
    assert_eq!(http::body("HTTP/1.1 200 OK\r\n"), None);
}

#[test]
fn the_second_answer_to_a_probe_is_ignored() {
    let (sender, responders) = mpsc::channel();
    let mut log = Log::new(sender, Arc::default());
    let number = log.sent();
    log.answered(number, ms(5), "pod=a node=b\n");
    log.answered(number, ms(9), "pod=c node=d\n");
    log.answered(number + 1, ms(9), "pod=c node=d\n");
    assert_eq!((responders.try_iter().count(), log.waiting()), (1, 0));
    assert_eq!(log.into_samples()[0].answer.as_ref().unwrap().at, ms(5));
}

#[test]
fn the_tally_counts_answers_of_one_responder_to_probes_sent_since_its_start() {
    let (sender, _responders) = mpsc::channel();
    let tally = Arc::new(Tally::default());
    let mut log = Log::new(sender, Arc::clone(&tally));
    let early = [log.sent(), log.sent()];
    tally.begin();
    log.answered(early[0], ms(5), "pod=a node=b\n");
    log.answered(early[1], ms(5), "pod=a node=b\n");
    assert_eq!(tally.answered(), 0, "sent before the start");
    let mut probe = |line: &str| {
        let number = log.sent();
        log.answered(number, ms(9), line);
        tally.answered()
    };
    assert_eq!([probe("pod=a node=b\n"), probe("pod=a node=b\n")], [1, 2]);
    assert_eq!([probe("pod=c node=d\n"), probe("pod=c node=d\n")], [1, 2]);
    assert_eq!(probe("pod=a node=b\n"), 1, "the responder has changed back");
}

#[test]
fn a_stalled_prober_does_not_send_a_burst() {
    let long_ago = Instant::now() - ms(500);
    assert!(next_due(long_ago, ms(2)) > Instant::now() - ms(100));
    let just_now = Instant::now();
    assert_eq!(next_due(just_now, ms(2)), just_now + ms(2));
}

/// Probes the address on this machine until `answers` were given.
fn probe_here(target: Target, mut enough: impl FnMut() -> bool) -> Vec<Sample> {
    let (sender, responders) = mpsc::channel();
    let stop = AtomicBool::new(false);
    let samples = thread::scope(|scope| {
        let run = scope.spawn(|| match target.kind {
            Kind::Udp => udp::run(target, &stop, Log::new(sender, Arc::default())).unwrap(),
            Kind::Http => http::run(target, &stop, Log::new(sender, Arc::default())),
        });
        while !enough() {}
        stop.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert_eq!(
        responders.try_iter().count(),
        1,
        "one workload, one change of who answers"
    );
    samples
}

#[test]
fn udp_probes_take_new_ports_and_are_all_answered() {
    let workload = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    workload.set_read_timeout(Some(ms(10_000))).unwrap();
    let mut ports = BTreeSet::new();
    let target = Target::udp(workload.local_addr().unwrap());
    let samples = probe_here(target, || {
        let mut tag = [0; 64];
        let (len, from) = workload.recv_from(&mut tag).unwrap();
        let answer = [b"pod=a node=b\n".as_slice(), &tag[..len]].concat();
        workload.send_to(&answer, from).unwrap();
        ports.insert(from.port());
        ports.len() > 3
    });
    let report = silence(&samples);
    // Probes sent after the workload stopped may be lost.
    assert!(
        report.sent >= 76 && report.lost < report.sent / 2,
        "{report:?}"
    );
}

#[test]
fn http_probes_make_a_connection_each() {
    let workload = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let target = Target::http(workload.local_addr().unwrap());
    let mut served = 0;
    let samples = probe_here(target, || {
        let (mut stream, _) = workload.accept().unwrap();
        let mut request = [0; 512];
        assert!(stream.read(&mut request).unwrap() > 0);
        write!(stream, "HTTP/1.1 200 OK\r\n\r\npod=a node=b\n").unwrap();
        served += 1;
        served == 5
    });
    let answered = samples
        .iter()
        .filter(|sample| sample.answer.is_some())
        .count();
    assert_eq!(answered, 5);
}
