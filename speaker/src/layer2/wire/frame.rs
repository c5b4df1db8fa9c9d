//! A frame of either family, so that the other modules need not distinguish: ARP
//! for IPv4, neighbour discovery for IPv6. Pure.

use std::net::{IpAddr, Ipv6Addr};

use ferrolb_core::range::Family;
use thiserror::Error;

use super::arp::{ArpError, ArpFrame, Operation};
use super::bytes::FrameBytes;
use super::ndp::{Message, NdpError, NdpFrame, group_mac, solicited_node};
use ferrolb_core::mac::Mac;

/// The source of our frames on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The link's hardware address.
    pub mac: Mac,
    /// The link-local IPv6 address of the link, if it has one that is not tentative.
    pub link_local: Option<Ipv6Addr>,
}

/// What a frame is to the address that it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameKind {
    /// A request for another address, sent from this one.
    Request,
    /// A reply to a request for this address.
    Reply,
    /// Gratuitous ARP or an unsolicited advertisement for this address. IPv6
    /// answers duplicate-address probes in this form.
    Gratuitous,
    /// A test whether the address is free: duplicate-address detection, IPv6.
    DadProbe,
}

/// The purpose of one of our own frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A request that does not claim anything.
    Probe,
    /// Gratuitous ARP, or an unsolicited advertisement.
    Announcement,
    /// A reply, or an ordinary request.
    Other,
}

/// A request for the owner of an address, or an answer to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frame {
    /// For IPv4.
    Arp(ArpFrame),
    /// For IPv6.
    Ndp(NdpFrame),
}

/// Why bytes are not a frame of their family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Malformed ARP.
    #[error("malformed ARP frame")]
    Arp(#[from] ArpError),
    /// Malformed neighbour discovery.
    #[error("malformed neighbour discovery frame")]
    Ndp(#[from] NdpError),
}

impl From<ArpFrame> for Frame {
    fn from(frame: ArpFrame) -> Self {
        Self::Arp(frame)
    }
}

impl From<NdpFrame> for Frame {
    fn from(frame: NdpFrame) -> Self {
        Self::Ndp(frame)
    }
}

impl Frame {
    /// Parses a frame of one family.
    ///
    /// # Errors
    /// The first defect.
    pub fn parse(family: Family, bytes: &[u8]) -> Result<Self, FrameError> {
        Ok(match family {
            Family::V4 => Self::Arp(ArpFrame::parse(bytes)?),
            Family::V6 => Self::Ndp(NdpFrame::parse(bytes)?),
        })
    }

    /// The bytes to send.
    #[must_use]
    pub fn emit(&self) -> FrameBytes {
        match self {
            Self::Arp(frame) => frame.emit(),
            Self::Ndp(frame) => frame.emit(),
        }
    }

    /// Asks all hosts for `ip` without claiming it.
    #[must_use]
    pub const fn probe(ip: IpAddr, from: Sender) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Arp(ArpFrame::probe(ip, from.mac)),
            IpAddr::V6(ip) => Self::Ndp(NdpFrame::probe(ip, from.mac, from.link_local)),
        }
    }

    /// The same request to one host only.
    #[must_use]
    pub const fn probe_to(ip: IpAddr, from: Sender, host: Mac) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Arp(ArpFrame::probe_to(ip, from.mac, host)),
            IpAddr::V6(ip) => Self::Ndp(NdpFrame::request(ip, from.mac, from.link_local, host)),
        }
    }

    /// Announces to all hosts that `ip` is ours: for IPv4 in both forms, since some
    /// equipment accepts only the request and some only the reply.
    #[must_use]
    pub fn announcements(ip: IpAddr, mac: Mac) -> Vec<Self> {
        match ip {
            IpAddr::V4(ip) => vec![
                ArpFrame::gratuitous_request(ip, mac).into(),
                ArpFrame::gratuitous_reply(ip, mac).into(),
            ],
            IpAddr::V6(ip) => vec![NdpFrame::unsolicited(ip, mac).into()],
        }
    }

    /// Its family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Arp(_) => Family::V4,
            Self::Ndp(_) => Family::V6,
        }
    }

    /// The source in the Ethernet header.
    #[must_use]
    pub const fn eth_src(&self) -> Mac {
        match self {
            Self::Arp(frame) => frame.eth_src,
            Self::Ndp(frame) => frame.eth_src,
        }
    }

    /// The hardware address that the sender gives; a relay may have forwarded it.
    #[must_use]
    pub fn sender(&self) -> Mac {
        match self {
            Self::Arp(frame) => frame.sender_mac,
            Self::Ndp(frame) => frame.sender(),
        }
    }

    /// Its purpose, if it is ours.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        let (probe, announcement) = match self {
            Self::Arp(frame) => (frame.is_probe(), frame.is_gratuitous()),
            Self::Ndp(frame) => match frame.message {
                Message::Solicitation { .. } => (true, false),
                Message::Advertisement { solicited, .. } => (false, !solicited),
            },
        };
        match (probe, announcement) {
            (true, _) => Purpose::Probe,
            (_, true) => Purpose::Announcement,
            _ => Purpose::Other,
        }
    }

    /// The address that its sender has, or wants to have, and what the frame is to it.
    #[must_use]
    pub fn claim(&self) -> (IpAddr, FrameKind) {
        match self {
            Self::Arp(frame) => match frame.operation {
                Operation::Request => (IpAddr::V4(frame.sender_ip), FrameKind::Request),
                Operation::Reply if frame.is_gratuitous() => {
                    (IpAddr::V4(frame.sender_ip), FrameKind::Gratuitous)
                }
                Operation::Reply => (IpAddr::V4(frame.sender_ip), FrameKind::Reply),
            },
            Self::Ndp(frame) => match frame.message {
                Message::Advertisement {
                    solicited: false, ..
                } => (IpAddr::V6(frame.target), FrameKind::Gratuitous),
                Message::Advertisement { .. } => (IpAddr::V6(frame.target), FrameKind::Reply),
                Message::Solicitation { .. } if frame.src.is_unspecified() => {
                    (IpAddr::V6(frame.target), FrameKind::DadProbe)
                }
                Message::Solicitation { .. } => (IpAddr::V6(frame.src), FrameKind::Request),
            },
        }
    }
}

/// The group to join on a link in order to receive solicitations for `ip`; IPv4
/// uses broadcast.
#[must_use]
pub const fn group_of(ip: IpAddr) -> Option<Ipv6Addr> {
    match ip {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => Some(solicited_node(ip)),
    }
}

/// Whether a frame to `eth_dst` is meant for the link `mac` as owner of `target`:
/// sent to it, to all, or to the group of the target.
pub(super) fn is_for(eth_dst: Mac, mac: Mac, target: IpAddr) -> bool {
    let group = group_of(target).map(group_mac);
    eth_dst == mac || eth_dst == Mac::BROADCAST || Some(eth_dst) == group
}

#[cfg(test)]
mod tests;
