//! Claims about which request is answered, and how. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ArpFrame, Frame, Mac, Message, NdpFrame, Operation, Owned, OwnedOnLink, answer};

const LINK: u32 = 3;
const OWNED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const OWNED_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, 7);
const ASKER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn answer_on(link: u32, frame: Frame) -> Option<Frame> {
    let ips = [IpAddr::V4(OWNED), IpAddr::V6(OWNED_V6)];
    let owned = Owned::from(ips.map(|ip| (ip, BTreeSet::from([LINK]))));
    answer(&frame, OURS, OwnedOnLink::new(&owned, link))
}

fn answered_on(link: u32, frame: &ArpFrame) -> Option<ArpFrame> {
    match answer_on(link, Frame::Arp(*frame))? {
        Frame::Arp(reply) => Some(reply),
        Frame::Ndp(reply) => panic!("ARP answered by {reply:?}"),
    }
}

fn advertised_on(link: u32, frame: &NdpFrame) -> Option<NdpFrame> {
    match answer_on(link, Frame::Ndp(*frame))? {
        Frame::Ndp(reply) => Some(reply),
        Frame::Arp(reply) => panic!("neighbour discovery answered by {reply:?}"),
    }
}

fn request() -> ArpFrame {
    let mut frame = ArpFrame::probe(OWNED, THEIRS);
    frame.sender_ip = Ipv4Addr::new(192, 0, 2, 1);
    frame
}

#[test]
fn answers_broadcast_and_unicast_requests() {
    let mut frame = request();
    assert_eq!(
        answered_on(LINK, &frame),
        Some(ArpFrame::reply_to(&frame, OURS))
    );
    frame.eth_dst = OURS;
    assert_eq!(
        answered_on(LINK, &frame),
        Some(ArpFrame::reply_to(&frame, OURS))
    );
}

#[test]
fn answers_probes_and_claims_of_others() {
    assert!(answered_on(LINK, &ArpFrame::probe(OWNED, THEIRS)).is_some());
    assert!(answered_on(LINK, &ArpFrame::gratuitous_request(OWNED, THEIRS)).is_some());
}

#[test]
fn is_silent_on_other_links_and_for_other_addresses() {
    let mut frame = request();
    assert_eq!(answered_on(LINK + 1, &frame), None);
    frame.target_ip = Ipv4Addr::new(192, 0, 2, 8);
    assert_eq!(answered_on(LINK, &frame), None);
}

#[test]
fn never_answers_a_reply() {
    let mut frame = request();
    frame.operation = Operation::Reply;
    assert_eq!(answered_on(LINK, &frame), None);
}

#[test]
fn never_answers_a_request_to_another_host() {
    let mut frame = request();
    frame.eth_dst = Mac([2, 0, 0, 0, 0, 9]);
    assert_eq!(answered_on(LINK, &frame), None);
}

#[test]
fn never_answers_a_frame_of_our_own_address() {
    assert_eq!(answered_on(LINK, &ArpFrame::probe(OWNED, OURS)), None);
    let mut relayed = request();
    relayed.eth_src = OURS;
    assert_eq!(answered_on(LINK, &relayed), None);
}

#[test]
fn never_sends_an_answer_to_a_group() {
    let mut frame = request();
    for group in [Mac::BROADCAST, Mac([1, 0, 0x5e, 0, 0, 1]), Mac::ZERO] {
        frame.sender_mac = group;
        assert_eq!(answered_on(LINK, &frame), None);
    }
}

fn solicitation() -> NdpFrame {
    NdpFrame::probe(OWNED_V6, THEIRS, Some(ASKER))
}

const SOLICITED: Message = Message::Advertisement {
    solicited: true,
    overrides: true,
    target_mac: Some(OURS),
};

fn assert_answered(request: &NdpFrame) {
    let answer = advertised_on(LINK, request).unwrap();
    assert_eq!((answer.eth_src, answer.eth_dst), (OURS, THEIRS));
    assert_eq!((answer.src, answer.dst), (OWNED_V6, ASKER));
    assert_eq!((answer.target, answer.message), (OWNED_V6, SOLICITED));
}

#[test]
fn answers_a_solicitation_to_the_group() {
    assert_answered(&solicitation());
}

#[test]
fn answers_a_solicitation_to_the_address_with_and_without_source_option() {
    let mut request = solicitation();
    (request.eth_dst, request.dst) = (OURS, OWNED_V6);
    assert_answered(&request);
    request.message = Message::Solicitation { source_mac: None };
    assert_answered(&request);
}

#[test]
fn a_group_as_source_option_does_not_divert_the_answer() {
    let mut request = solicitation();
    request.message = Message::Solicitation {
        source_mac: Some(Mac::BROADCAST),
    };
    assert_answered(&request);
}

#[test]
fn answers_a_duplicate_address_probe_to_all() {
    let answer = advertised_on(LINK, &NdpFrame::probe(OWNED_V6, THEIRS, None)).unwrap();
    assert_eq!(answer, NdpFrame::unsolicited(OWNED_V6, OURS));
}

#[test]
fn is_silent_to_solicitations_on_other_links_and_for_other_addresses() {
    let request = solicitation();
    assert_eq!(advertised_on(LINK + 1, &request), None);
    // In the same solicited-node group.
    let other = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x101, 7);
    let request = NdpFrame::probe(other, THEIRS, Some(ASKER));
    assert_eq!(request.dst, solicitation().dst);
    assert_eq!(advertised_on(LINK, &request), None);
}

#[test]
fn never_answers_an_advertisement() {
    assert_eq!(
        advertised_on(LINK, &NdpFrame::unsolicited(OWNED_V6, THEIRS)),
        None
    );
}

#[test]
fn never_answers_a_solicitation_to_another_host_or_address() {
    let mut request = solicitation();
    request.eth_dst = Mac([2, 0, 0, 0, 0, 9]);
    assert_eq!(advertised_on(LINK, &request), None);
    let mut request = solicitation();
    request.dst = ASKER;
    assert_eq!(advertised_on(LINK, &request), None);
}

#[test]
fn never_answers_a_solicitation_of_our_own() {
    let request = NdpFrame::probe(OWNED_V6, OURS, Some(ASKER));
    assert_eq!(advertised_on(LINK, &request), None);
    let mut relayed = solicitation();
    relayed.eth_src = OURS;
    assert_eq!(advertised_on(LINK, &relayed), None);
}
