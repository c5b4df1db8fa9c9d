//! Neighbour solicitations and advertisements over Ethernet (RFC 4861 §4.3 and
//! §4.4, RFC 2464): their fields, and a parser that no bytes can make panic and
//! that makes the checks of RFC 4861 §7.1. Pure.

mod error;
mod options;

use std::net::Ipv6Addr;

pub use self::error::NdpError;
use super::bytes::{ETHERNET_LEN, TYPE_SERVICE_VLAN, TYPE_VLAN, at};
use ferrolb_core::mac::Mac;

pub(super) const IPV6_LEN: usize = 40;
/// Type, code, checksum, flags, target.
pub(super) const MESSAGE_LEN: usize = 24;
/// Length of an option with an Ethernet address.
pub(super) const OPTION_LEN: usize = 8;
/// Where options begin.
const FIXED_LEN: usize = ETHERNET_LEN + IPV6_LEN + MESSAGE_LEN;

const TYPE_IPV6: u16 = 0x86dd;
const NEXT_ICMPV6: u8 = 58;
/// A router would have decremented it, so the frame comes from this link.
pub(super) const HOP_LIMIT: u8 = 255;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const FLAG_SOLICITED: u8 = 0x40;
const FLAG_OVERRIDE: u8 = 0x20;

/// All IPv6 nodes on the link (RFC 4291 §2.7.1).
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The group to which solicitations for `ip` are addressed (RFC 4291 §2.7.1).
#[must_use]
pub const fn solicited_node(ip: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = ip.octets();
    let low = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | a as u16, low)
}

/// The Ethernet address of an IPv6 group (RFC 2464 §7).
#[must_use]
pub const fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message {
    /// Who has the target?
    Solicitation {
        /// Hardware address of the sender, if given.
        source_mac: Option<Mac>,
    },
    /// The sender has the target. The router flag is never set in ours and not
    /// read in others.
    Advertisement {
        /// In answer to a solicitation.
        solicited: bool,
        /// The hardware address replaces another known one.
        overrides: bool,
        /// Hardware address of the target, if given.
        target_mac: Option<Mac>,
    },
}

/// One neighbour discovery frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NdpFrame {
    /// Source in the Ethernet header.
    pub eth_src: Mac,
    /// Destination in the Ethernet header.
    pub eth_dst: Mac,
    /// Source in the IPv6 header; `::` in a duplicate-address probe.
    pub src: Ipv6Addr,
    /// Destination in the IPv6 header.
    pub dst: Ipv6Addr,
    /// The address in solicitation.
    pub target: Ipv6Addr,
    /// What the frame is to that address.
    pub message: Message,
}

impl NdpFrame {
    /// Parses a frame; bytes after the IPv6 packet are padding.
    ///
    /// # Errors
    /// The first defect.
    pub fn parse(bytes: &[u8]) -> Result<Self, NdpError> {
        let head = bytes
            .first_chunk::<FIXED_LEN>()
            .ok_or(NdpError::TooShort(bytes.len()))?;
        check_headers(head)?;
        let src = Ipv6Addr::from(at::<22, 16, _>(head));
        let dst = Ipv6Addr::from(at::<38, 16, _>(head));
        let payload = payload(bytes, u16::from_be_bytes(at::<18, 2, _>(head)))?;
        if checksum(src, dst, payload) != 0 {
            return Err(NdpError::Checksum);
        }
        let frame = Self {
            eth_dst: Mac(at::<0, 6, _>(head)),
            eth_src: Mac(at::<6, 6, _>(head)),
            src,
            dst,
            target: Ipv6Addr::from(at::<62, 16, _>(head)),
            message: message(head, payload.get(MESSAGE_LEN..).unwrap_or_default())?,
        };
        frame.check()?;
        Ok(frame)
    }

    /// Asks all hosts for `ip`, from `mac`; see [`Self::request`].
    #[must_use]
    pub const fn probe(ip: Ipv6Addr, mac: Mac, link_local: Option<Ipv6Addr>) -> Self {
        Self::request(ip, mac, link_local, group_mac(solicited_node(ip)))
    }

    /// A solicitation for `ip` that does not claim it.
    ///
    /// It is sent from our link-local address if there is one: the answer then
    /// comes to us alone, and neighbours learn only our link-local address.
    /// Without one it has the form of a duplicate-address probe (RFC 4862
    /// §5.4.2): neighbours learn nothing, but the answer goes to all.
    ///
    /// The IPv6 destination is the group even if the frame goes to one host (RFC
    /// 6085): a node that forwards packets would pass on one that is addressed to
    /// an external IP, since none of its interfaces has that IP.
    #[must_use]
    pub const fn request(
        ip: Ipv6Addr,
        mac: Mac,
        link_local: Option<Ipv6Addr>,
        eth_dst: Mac,
    ) -> Self {
        let (src, source_mac) = match link_local {
            Some(address) => (address, Some(mac)),
            None => (Ipv6Addr::UNSPECIFIED, None),
        };
        Self {
            eth_src: mac,
            eth_dst,
            src,
            dst: solicited_node(ip),
            target: ip,
            message: Message::Solicitation { source_mac },
        }
    }

    /// The answer to a solicitation: its target is at `mac`. A duplicate-address
    /// probe has no source address, so the answer goes to all (RFC 4861 §7.2.4).
    #[must_use]
    pub fn reply_to(solicitation: &Self, mac: Mac) -> Self {
        if solicitation.src.is_unspecified() {
            return Self::unsolicited(solicitation.target, mac);
        }
        Self {
            eth_dst: solicitation.sender(),
            dst: solicitation.src,
            message: Message::Advertisement {
                solicited: true,
                overrides: true,
                target_mac: Some(mac),
            },
            ..Self::unsolicited(solicitation.target, mac)
        }
    }

    /// An announcement to all that `ip` is at `mac` (RFC 4861 §7.2.6). It is sent
    /// from the IP itself, which every owner has, while a link-local address may be
    /// missing or tentative.
    #[must_use]
    pub const fn unsolicited(ip: Ipv6Addr, mac: Mac) -> Self {
        Self {
            eth_src: mac,
            eth_dst: group_mac(ALL_NODES),
            src: ip,
            dst: ALL_NODES,
            target: ip,
            message: Message::Advertisement {
                solicited: false,
                overrides: true,
                target_mac: Some(mac),
            },
        }
    }

    /// The hardware address of the sender: the one in the option, if it is a unicast
    /// address, else the source of the Ethernet header.
    #[must_use]
    pub fn sender(&self) -> Mac {
        let (Message::Solicitation { source_mac: given }
        | Message::Advertisement {
            target_mac: given, ..
        }) = self.message;
        given.filter(|mac| mac.is_unicast()).unwrap_or(self.eth_src)
    }

    /// The rules of RFC 4861 §7.1 that concern more than one field.
    fn check(&self) -> Result<(), NdpError> {
        if self.target.is_multicast() || self.target.is_unspecified() {
            return Err(NdpError::Target(self.target));
        }
        if self.src.is_multicast() {
            return Err(NdpError::Source(self.src));
        }
        let without_source = self.src.is_unspecified();
        match self.message {
            Message::Solicitation {
                source_mac: Some(_),
            } if without_source => Err(NdpError::ProbeWithSource),
            Message::Solicitation { .. }
                if without_source && self.dst != solicited_node(self.target) =>
            {
                Err(NdpError::ProbeTo(self.dst))
            }
            Message::Advertisement { .. } if without_source => Err(NdpError::Source(self.src)),
            Message::Advertisement {
                solicited: true, ..
            } if self.dst.is_multicast() => Err(NdpError::SolicitedByGroup),
            _ => Ok(()),
        }
    }
}

fn check_headers(head: &[u8; FIXED_LEN]) -> Result<(), NdpError> {
    match u16::from_be_bytes(at::<12, 2, _>(head)) {
        TYPE_IPV6 => {}
        TYPE_VLAN | TYPE_SERVICE_VLAN => return Err(NdpError::Tagged),
        other => return Err(NdpError::NotIpv6(other)),
    }
    match (head[14] >> 4, head[20], head[21], head[55]) {
        (6, NEXT_ICMPV6, HOP_LIMIT, 0) => Ok(()),
        (6, NEXT_ICMPV6, HOP_LIMIT, code) => Err(NdpError::Code(code)),
        (6, NEXT_ICMPV6, limit, _) => Err(NdpError::HopLimit(limit)),
        (6, next, ..) => Err(NdpError::NotIcmp(next)),
        (version, ..) => Err(NdpError::Version(version)),
    }
}

/// The ICMPv6 message, of the length in the IPv6 header.
fn payload(bytes: &[u8], length: u16) -> Result<&[u8], NdpError> {
    let rest = bytes.get(ETHERNET_LEN + IPV6_LEN..).unwrap_or_default();
    rest.get(..usize::from(length))
        .filter(|payload| payload.len() >= MESSAGE_LEN)
        .ok_or(NdpError::Length(length))
}

fn message(head: &[u8; FIXED_LEN], options: &[u8]) -> Result<Message, NdpError> {
    match head[54] {
        SOLICITATION => Ok(Message::Solicitation {
            source_mac: options::read_source(options)?,
        }),
        ADVERTISEMENT => Ok(Message::Advertisement {
            solicited: head[58] & FLAG_SOLICITED != 0,
            overrides: head[58] & FLAG_OVERRIDE != 0,
            target_mac: options::read_target(options)?,
        }),
        other => Err(NdpError::Type(other)),
    }
}

/// The ICMPv6 checksum (RFC 4443 §2.3, RFC 8200 §8.1): zero for a message whose
/// checksum field is right.
fn checksum(src: Ipv6Addr, dst: Ipv6Addr, message: &[u8]) -> u16 {
    let addresses = src.segments().into_iter().chain(dst.segments());
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let words = message
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    let all = addresses
        .chain([length, u16::from(NEXT_ICMPV6)])
        .chain(words);
    let sum = all.fold(0_u16, |sum, word| {
        let (sum, carried) = sum.overflowing_add(word);
        sum + u16::from(carried)
    });
    !sum
}

#[cfg(test)]
mod tests;
