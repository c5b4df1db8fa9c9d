//! Claims about the codec of neighbour discovery. Pure.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::{
    ALL_NODES, FIXED_LEN, Mac, Message, NdpError, NdpFrame, checksum, group_mac, solicited_node,
};

const IP: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xab, 0xcdef);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);
/// Where the payload length, the hop limit, the target and options are.
const LENGTH_AT: usize = 18;
const HOP_LIMIT_AT: usize = 21;
const TARGET_AT: usize = 62;

#[test]
fn an_address_has_its_group_and_the_group_its_hardware_address() {
    let group = solicited_node(IP);
    assert_eq!(group, "ff02::1:ffab:cdef".parse::<Ipv6Addr>().unwrap());
    assert_eq!(group_mac(group), Mac([0x33, 0x33, 0xff, 0xab, 0xcd, 0xef]));
}

/// The checksum was computed by another program.
#[test]
fn writes_an_unsolicited_advertisement_byte_by_byte() {
    let expected = [
        &[0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd][..], // Ethernet
        &[0x60, 0, 0, 0, 0, 32, 58, 255],                            // IPv6
        &IP.octets(),
        &[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[136, 0, 0x5b, 0xf7, 0x20, 0, 0, 0], // override, neither router nor solicited
        &IP.octets(),
        &[2, 1, 2, 0, 0, 0, 0, 1], // target link-layer address
    ]
    .concat();
    assert_eq!(NdpFrame::unsolicited(IP, OURS).emit()[..], expected);
}

#[test]
fn neighbours_learn_nothing_about_the_address_from_a_probe() {
    for link_local in [Some(LINK_LOCAL), None] {
        let probe = NdpFrame::probe(IP, OURS, link_local);
        assert_eq!((probe.dst, probe.target), (solicited_node(IP), IP));
        assert_eq!(probe.eth_dst, group_mac(solicited_node(IP)));
        assert_ne!(probe.src, IP);
        assert_eq!(NdpFrame::parse(&probe.emit()), Ok(probe));
    }
}

#[test]
fn a_solicitation_to_one_host_still_has_the_group_as_destination() {
    let probe = NdpFrame::request(IP, OURS, Some(LINK_LOCAL), THEIRS);
    assert_eq!((probe.eth_dst, probe.dst), (THEIRS, solicited_node(IP)));
}

#[test]
fn a_sender_is_known_by_its_option_else_by_its_frame() {
    let mut frame = NdpFrame::unsolicited(IP, OURS);
    frame.eth_src = THEIRS;
    assert_eq!(frame.sender(), OURS);
    frame.message = Message::Solicitation { source_mac: None };
    assert_eq!(frame.sender(), THEIRS);
}

/// Puts the checksum right after a change, so that the defect behind it shows.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let address = |at: usize| {
        let octets: [u8; 16] = bytes[at..at + 16].try_into().unwrap();
        Ipv6Addr::from(octets)
    };
    let (src, dst) = (address(22), address(38));
    let length = usize::from(u16::from_be_bytes([bytes[LENGTH_AT], bytes[LENGTH_AT + 1]]));
    bytes[56..58].fill(0);
    let sum = checksum(src, dst, &bytes[54..54 + length]);
    bytes[56..58].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn advertisement() -> Vec<u8> {
    NdpFrame::unsolicited(IP, OURS).emit().to_vec()
}

#[test]
fn names_each_defect_of_the_headers() {
    let cases: [(usize, u8, NdpError); 9] = [
        (12, 0x81, NdpError::NotIpv6(0x81dd)),
        (14, 0x40, NdpError::Version(4)),
        (20, 17, NdpError::NotIcmp(17)),
        (HOP_LIMIT_AT, 254, NdpError::HopLimit(254)),
        (55, 1, NdpError::Code(1)),
        (LENGTH_AT + 1, 23, NdpError::Length(23)),
        (LENGTH_AT + 1, 33, NdpError::Length(33)),
        (LENGTH_AT + 1, 31, NdpError::Checksum),
        (TARGET_AT, 0x21, NdpError::Checksum),
    ];
    for (offset, value, defect) in cases {
        let mut bytes = advertisement();
        bytes[offset] = value;
        assert_eq!(NdpFrame::parse(&bytes), Err(defect), "{offset}");
    }
}

#[test]
fn names_each_defect_of_the_message() {
    let group = Ipv6Addr::from([0xff; 16]);
    let mut target = IP.octets();
    target[0] = 0xff;
    let cases: [(usize, &[u8], NdpError); 7] = [
        (54, &[134], NdpError::Type(134)),
        (79, &[0], NdpError::OptionEmpty),
        (79, &[2], NdpError::OptionTooLong(16)),
        (TARGET_AT, &[0xff], NdpError::Target(target.into())),
        (22, &[0xff; 16], NdpError::Source(group)),
        (22, &[0; 16], NdpError::Source(Ipv6Addr::UNSPECIFIED)),
        (58, &[0x60], NdpError::SolicitedByGroup),
    ];
    for (offset, values, defect) in cases {
        let mut bytes = advertisement();
        bytes[offset..offset + values.len()].copy_from_slice(values);
        assert_eq!(NdpFrame::parse(&resealed(bytes)), Err(defect), "{offset}");
    }
}

#[test]
fn refuses_a_link_layer_address_that_is_not_an_ethernet_address() {
    let mut bytes = advertisement();
    bytes.extend([0; 8]);
    bytes[79] = 2;
    bytes[LENGTH_AT + 1] += 8;
    let refused = NdpFrame::parse(&resealed(bytes));
    assert_eq!(refused, Err(NdpError::OptionNotEthernet(16)));
}

#[test]
fn refuses_invalid_duplicate_address_probes() {
    let mut probe = NdpFrame::probe(IP, OURS, None);
    probe.dst = ALL_NODES;
    let refused = NdpFrame::parse(&probe.emit());
    assert_eq!(refused, Err(NdpError::ProbeTo(ALL_NODES)));
    let mut probe = NdpFrame::probe(IP, OURS, Some(LINK_LOCAL));
    probe.src = Ipv6Addr::UNSPECIFIED;
    let refused = NdpFrame::parse(&probe.emit());
    assert_eq!(refused, Err(NdpError::ProbeWithSource));
}

#[test]
fn skips_unknown_options() {
    let probe = NdpFrame::probe(IP, OURS, None);
    let mut bytes = probe.emit().to_vec();
    bytes.extend([14, 1, 1, 2, 3, 4, 5, 6]); // A nonce, as Linux sends it (RFC 7527).
    bytes[LENGTH_AT + 1] += 8;
    assert_eq!(NdpFrame::parse(&resealed(bytes)), Ok(probe));
}

#[test]
fn refuses_short_and_tagged_frames() {
    let bytes = advertisement();
    let short = NdpFrame::parse(&bytes[..FIXED_LEN - 1]);
    assert_eq!(short, Err(NdpError::TooShort(FIXED_LEN - 1)));
    assert_eq!(NdpFrame::parse(&[]), Err(NdpError::TooShort(0)));
    let tagged = [&bytes[..12], &[0x81, 0, 0, 5], &bytes[12..]].concat();
    assert_eq!(NdpFrame::parse(&tagged), Err(NdpError::Tagged));
}

fn unicast() -> impl Strategy<Value = Ipv6Addr> {
    (0x2000_u16..0xff00, any::<[u16; 7]>())
        .prop_map(|(first, [b, c, d, e, f, g, h])| Ipv6Addr::new(first, b, c, d, e, f, g, h))
}

fn messages() -> impl Strategy<Value = Message> {
    let mac = || prop::option::of(any::<[u8; 6]>().prop_map(Mac));
    prop_oneof![
        mac().prop_map(|source_mac| Message::Solicitation { source_mac }),
        (any::<(bool, bool)>(), mac()).prop_map(|((solicited, overrides), target_mac)| {
            Message::Advertisement {
                solicited,
                overrides,
                target_mac,
            }
        }),
    ]
}

fn frames() -> impl Strategy<Value = NdpFrame> {
    (
        any::<([u8; 6], [u8; 6])>(),
        (unicast(), unicast(), unicast()),
        messages(),
    )
        .prop_map(|(macs, (src, dst, target), message)| NdpFrame {
            eth_src: Mac(macs.0),
            eth_dst: Mac(macs.1),
            src,
            dst,
            target,
            message,
        })
}

/// Bytes that get past the checksum often enough to reach the options.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    (
        frames(),
        prop::collection::vec(any::<u8>(), 0..40),
        any::<bool>(),
    )
        .prop_map(|(frame, options, right)| {
            let mut bytes = frame.emit()[..FIXED_LEN].to_vec();
            bytes[LENGTH_AT + 1] = 24 + u8::try_from(options.len()).unwrap();
            bytes.extend(options);
            if right { resealed(bytes) } else { bytes }
        })
}

proptest! {
    #[test]
    fn reads_what_it_writes_padded_or_not(frame in frames(), padding in 0..30_usize) {
        let mut bytes = frame.emit().to_vec();
        bytes.resize(bytes.len() + padding, 0xa5);
        prop_assert_eq!(NdpFrame::parse(&bytes), Ok(frame));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = NdpFrame::parse(&bytes);
    }

    #[test]
    fn no_options_make_it_panic(bytes in nearly_frames()) {
        let _ = NdpFrame::parse(&bytes);
    }

    /// From the next header on; what comes before is the card's or the routers'.
    #[test]
    fn no_damage_to_one_byte_goes_unnoticed(
        frame in frames(), place in 20..FIXED_LEN, flip in 1..=255_u8
    ) {
        let mut bytes = frame.emit().to_vec();
        bytes[place] ^= flip;
        prop_assert!(NdpFrame::parse(&bytes).is_err());
    }
}
