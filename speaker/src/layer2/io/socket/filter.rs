//! The filters of the packet sockets, in classic BPF (`linux/filter.h`), so that
//! only relevant frames wake the thread.

use ferrolb_core::range::Family;
use socket2::SockFilter;

use super::{ETH_P_ARP, ETH_P_IPV6, FRAME_ROOM};
use ferrolb_core::mac::Mac;

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Offset of the packet type: `SKF_AD_OFF + SKF_AD_PKTTYPE`.
const PACKET_TYPE: u32 = 0xffff_f004;
/// The first packet type that is not addressed to us: `PACKET_OTHERHOST`. The kernel
/// gives it also to frames of a VLAN that has no interface here.
const OTHER_HOST: u32 = 3;
/// ICMPv6 in the IPv6 header, and its two messages of interest.
const NEXT_ICMPV6: u32 = 58;
const SOLICITATION: u32 = 135;
const ADVERTISEMENT: u32 = 136;

/// Drops everything.
pub(super) const DROP_ALL: [SockFilter; 1] = [SockFilter::new(RETURN, 0, 0, 0)];

/// Accepts frames to us or to a group, not from `mac` itself: ARP, or
/// solicitations and advertisements that follow the IPv6 header directly.
pub(super) fn of_other_hosts(family: Family, mac: Mac) -> Vec<SockFilter> {
    let (protocol, discovery) = match family {
        Family::V4 => (ETH_P_ARP, None),
        Family::V6 => (ETH_P_IPV6, Some(NDP)),
    };
    let discovery = discovery.into_iter().flatten();
    let program = foreign(mac, protocol).into_iter().chain(discovery);
    program.chain([ACCEPT]).collect()
}

/// Continues behind its end if the frame is relevant so far.
fn foreign(mac: Mac, protocol: u16) -> [SockFilter; 10] {
    let [a, b, c, d, e, f] = mac.0;
    let high = u32::from_be_bytes([a, b, c, d]);
    let low = u32::from(u16::from_be_bytes([e, f]));
    [
        SockFilter::new(LOAD_WORD, 0, 0, PACKET_TYPE),
        SockFilter::new(JUMP_AT_LEAST, 2, 0, OTHER_HOST),
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(JUMP_EQUAL, 1, 0, u32::from(protocol)),
        REJECT,
        SockFilter::new(LOAD_WORD, 0, 0, 6),
        SockFilter::new(JUMP_EQUAL, 0, 3, high),
        SockFilter::new(LOAD_HALF, 0, 0, 10),
        SockFilter::new(JUMP_EQUAL, 0, 1, low),
        REJECT,
    ]
}

/// Likewise, for ICMPv6.
const NDP: [SockFilter; 6] = [
    SockFilter::new(LOAD_BYTE, 0, 0, 20),
    SockFilter::new(JUMP_EQUAL, 0, 3, NEXT_ICMPV6),
    SockFilter::new(LOAD_BYTE, 0, 0, 54),
    SockFilter::new(JUMP_EQUAL, 2, 0, SOLICITATION),
    SockFilter::new(JUMP_EQUAL, 1, 0, ADVERTISEMENT),
    REJECT,
];

const REJECT: SockFilter = SockFilter::new(RETURN, 0, 0, 0);

#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const ACCEPT: SockFilter = SockFilter::new(RETURN, 0, 0, FRAME_ROOM as u32);
