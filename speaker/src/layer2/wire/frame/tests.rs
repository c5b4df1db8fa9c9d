//! Claims about frames of either family. Pure.

use std::net::IpAddr;

use super::{Family, Frame, FrameKind, Mac, NdpFrame, Purpose, Sender};

const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn addresses() -> [IpAddr; 2] {
    ["192.0.2.7", "2001:db8::7"].map(|ip| ip.parse().unwrap())
}

fn us() -> Sender {
    Sender {
        mac: OURS,
        link_local: Some("fe80::1".parse().unwrap()),
    }
}

#[test]
fn reads_what_it_writes_in_either_family() {
    for ip in addresses() {
        let mut frames = Frame::announcements(ip, OURS);
        frames.extend([Frame::probe(ip, us()), Frame::probe_to(ip, us(), THEIRS)]);
        for frame in frames {
            assert_eq!(frame.family(), Family::of(ip));
            assert_eq!(Frame::parse(frame.family(), &frame.emit()), Ok(frame));
        }
    }
}

#[test]
fn announcements_claim_the_address_and_probes_do_not() {
    for ip in addresses() {
        for frame in Frame::announcements(ip, OURS) {
            assert_eq!(frame.purpose(), Purpose::Announcement);
            assert_eq!((frame.claim().0, frame.sender()), (ip, OURS));
            assert_ne!(frame.claim().1, FrameKind::Reply, "there was no request");
        }
        for frame in [Frame::probe(ip, us()), Frame::probe_to(ip, us(), THEIRS)] {
            assert_eq!(frame.purpose(), Purpose::Probe);
            assert_ne!(frame.claim().0, ip);
        }
    }
}

#[test]
fn a_duplicate_address_probe_tests_the_address() {
    let ip = "2001:db8::7".parse().unwrap();
    let probe = Frame::Ndp(NdpFrame::probe(ip, THEIRS, None));
    assert_eq!(probe.claim(), (ip.into(), FrameKind::DadProbe));
}

#[test]
fn an_answer_claims_the_address() {
    let ip = "2001:db8::7".parse().unwrap();
    let question = NdpFrame::probe(ip, OURS, us().link_local);
    let answer = Frame::Ndp(NdpFrame::reply_to(&question, THEIRS));
    assert_eq!(answer.claim(), (ip.into(), FrameKind::Reply));
    assert_eq!(
        (answer.purpose(), answer.sender()),
        (Purpose::Other, THEIRS)
    );
}
