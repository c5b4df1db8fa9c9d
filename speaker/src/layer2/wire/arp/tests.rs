//! Claims about the ARP codec. Pure.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::{ArpError, ArpFrame, FRAME_LEN, Mac, Operation};

const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);

#[test]
fn writes_a_probe_byte_by_byte() {
    let expected: [u8; FRAME_LEN] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, // Ethernet
        0, 1, 8, 0, 6, 4, 0, 1, // ARP for IPv4 over Ethernet, request
        2, 0, 0, 0, 0, 1, 0, 0, 0, 0, // sender: us, no address
        0, 0, 0, 0, 0, 0, 192, 0, 2, 7, // target: whoever has it
    ];
    assert_eq!(ArpFrame::probe(IP, OURS).emit()[..], expected);
}

#[test]
fn a_reply_goes_to_the_sender_of_the_request_and_has_the_requested_address() {
    let mut request = ArpFrame::probe(IP, THEIRS);
    request.sender_ip = Ipv4Addr::new(192, 0, 2, 1);
    let reply = ArpFrame::reply_to(&request, OURS);
    assert_eq!(reply.operation, Operation::Reply);
    assert_eq!((reply.eth_src, reply.eth_dst), (OURS, THEIRS));
    assert_eq!((reply.sender_mac, reply.sender_ip), (OURS, IP));
    assert_eq!(
        (reply.target_mac, reply.target_ip),
        (THEIRS, request.sender_ip)
    );
}

#[test]
fn both_gratuitous_forms_announce_the_sender_to_all() {
    let request = ArpFrame::gratuitous_request(IP, OURS);
    let reply = ArpFrame::gratuitous_reply(IP, OURS);
    for frame in [request, reply] {
        assert!(frame.is_gratuitous() && !frame.is_probe());
        assert_eq!((frame.eth_dst, frame.sender_mac), (Mac::BROADCAST, OURS));
    }
    assert_eq!(request.operation, Operation::Request);
    assert_eq!(
        (reply.operation, reply.target_mac),
        (Operation::Reply, OURS)
    );
}

#[test]
fn a_probe_to_one_host_is_still_a_probe() {
    let probe = ArpFrame::probe_to(IP, OURS, THEIRS);
    assert!(probe.is_probe());
    assert_eq!(probe.eth_dst, THEIRS);
}

#[test]
fn names_each_defect() {
    let cases: [(usize, u8, ArpError); 8] = [
        (12, 0x81, ArpError::NotArp(0x8106)),
        (13, 0x00, ArpError::NotArp(0x0800)),
        (15, 6, ArpError::HardwareType(6)),
        (16, 0x86, ArpError::ProtocolType(0x8600)),
        (18, 8, ArpError::HardwareLength(8)),
        (19, 16, ArpError::ProtocolLength(16)),
        (21, 3, ArpError::Operation(3)),
        (20, 1, ArpError::Operation(0x0101)),
    ];
    for (offset, value, defect) in cases {
        let mut bytes = ArpFrame::probe(IP, OURS).emit();
        bytes[offset] = value;
        assert_eq!(ArpFrame::parse(&bytes), Err(defect));
    }
}

#[test]
fn refuses_short_and_tagged_frames() {
    let bytes = ArpFrame::probe(IP, OURS).emit();
    assert_eq!(ArpFrame::parse(&bytes[..41]), Err(ArpError::TooShort(41)));
    assert_eq!(ArpFrame::parse(&[]), Err(ArpError::TooShort(0)));
    for tag in [[0x81, 0x00, 0, 5], [0x88, 0xa8, 0, 5]] {
        let tagged = [&bytes[..12], &tag, &bytes[12..]].concat();
        assert_eq!(ArpFrame::parse(&tagged), Err(ArpError::Tagged));
    }
}

fn frames() -> impl Strategy<Value = ArpFrame> {
    (
        any::<([u8; 6], [u8; 6], [u8; 6], [u8; 6])>(),
        any::<(u32, u32)>(),
        any::<bool>(),
    )
        .prop_map(|(macs, ips, request)| ArpFrame {
            eth_src: Mac(macs.0),
            eth_dst: Mac(macs.1),
            operation: if request {
                Operation::Request
            } else {
                Operation::Reply
            },
            sender_mac: Mac(macs.2),
            sender_ip: ips.0.into(),
            target_mac: Mac(macs.3),
            target_ip: ips.1.into(),
        })
}

/// Bytes that get past the first checks often enough to reach the last.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    (
        frames(),
        prop::collection::vec((0..FRAME_LEN, any::<u8>()), 0..4),
        0..64_usize,
    )
        .prop_map(|(frame, damage, length)| {
            let mut bytes = frame.emit().to_vec();
            for (offset, value) in damage {
                bytes[offset] = value;
            }
            bytes.resize(length, 0);
            bytes
        })
}

proptest! {
    #[test]
    fn reads_what_it_writes_padded_or_not(frame in frames(), padding in 0..30_usize) {
        let mut bytes = frame.emit().to_vec();
        bytes.resize(FRAME_LEN + padding, 0xa5);
        prop_assert_eq!(ArpFrame::parse(&bytes), Ok(frame));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let _ = ArpFrame::parse(&bytes);
    }

    #[test]
    fn what_it_accepts_it_writes_back_unchanged(bytes in nearly_frames()) {
        if let Ok(frame) = ArpFrame::parse(&bytes) {
            prop_assert_eq!(&frame.emit()[..], &bytes[..FRAME_LEN]);
        }
    }
}
