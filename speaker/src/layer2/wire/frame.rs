//! A frame of either family, so that who asks and announces need not care
//! which: ARP for IPv4, neighbour discovery for IPv6. Pure.

use std::net::{IpAddr, Ipv6Addr};

use ferrolb_core::range::Family;
use thiserror::Error;

use super::arp::{ArpError, ArpFrame, Operation};
use super::bytes::FrameBytes;
use super::ndp::{Message, NdpError, NdpFrame, group_mac, solicited_node};
use ferrolb_core::mac::Mac;

/// Who we are on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The link's hardware address.
    pub mac: Mac,
    /// The link's own IPv6 address, where it has one that is tested.
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

/// What one of our own frames is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It asks who has an IP.
    Probe,
    /// It tells everybody who has an IP.
    Announcement,
    /// It answers, or asks in the usual way.
    Other,
}

/// A frame that says who has an address, or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frame {
    /// For IPv4.
    Arp(ArpFrame),
    /// For IPv6.
    Ndp(NdpFrame),
}

/// Why bytes are no frame of their family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Unsound ARP.
    #[error("reading an ARP frame")]
    Arp(#[from] ArpError),
    /// Unsound neighbour discovery.
    #[error("reading a neighbour discovery frame")]
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
    /// Reads a frame of one family.
    ///
    /// # Errors
    /// The first defect found.
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

    /// Asks everybody for `ip` without claiming it.
    #[must_use]
    pub const fn probe(ip: IpAddr, from: Sender) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Arp(ArpFrame::probe(ip, from.mac)),
            IpAddr::V6(ip) => Self::Ndp(NdpFrame::probe(ip, from.mac, from.link_local)),
        }
    }

    /// The same question, put to one station only.
    #[must_use]
    pub const fn probe_to(ip: IpAddr, from: Sender, station: Mac) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Arp(ArpFrame::probe_to(ip, from.mac, station)),
            IpAddr::V6(ip) => Self::Ndp(NdpFrame::ask(ip, from.mac, from.link_local, station)),
        }
    }

    /// Tells everybody that `ip` is ours: for IPv4 in both forms, since some
    /// equipment heeds only the request and some only the reply.
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

    /// The family it speaks of.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Arp(_) => Family::V4,
            Self::Ndp(_) => Family::V6,
        }
    }

    /// The station that sent it, as the Ethernet header has it.
    #[must_use]
    pub const fn eth_src(&self) -> Mac {
        match self {
            Self::Arp(frame) => frame.eth_src,
            Self::Ndp(frame) => frame.eth_src,
        }
    }

    /// The station that speaks in it, which a relay may have sent on.
    #[must_use]
    pub fn speaker(&self) -> Mac {
        match self {
            Self::Arp(frame) => frame.sender_mac,
            Self::Ndp(frame) => frame.speaker(),
        }
    }

    /// What it is for, if it is ours.
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

    /// The address its sender has, or would like to have, and how it says so.
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

/// The group to join on a link in order to hear questions for `ip`; IPv4 asks
/// by broadcast.
#[must_use]
pub const fn group_of(ip: IpAddr) -> Option<Ipv6Addr> {
    match ip {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => Some(solicited_node(ip)),
    }
}

/// Whether a frame sent to `eth_dst` is meant for the station `mac` and for
/// who has `target`: sent to it, or to everybody, or to the target's group.
pub(super) fn is_for(eth_dst: Mac, mac: Mac, target: IpAddr) -> bool {
    let group = group_of(target).map(group_mac);
    eth_dst == mac || eth_dst == Mac::BROADCAST || Some(eth_dst) == group
}

#[cfg(test)]
mod tests;
