//! Which request gets an answer, and which one. Pure.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::arp::{ArpFrame, Operation};
use super::frame::{Frame, is_for};
use super::ndp::{Message, NdpFrame};
use ferrolb_core::mac::Mac;

/// Owned IPs, each with the links (by kernel index) it is announced on.
pub type Owned = HashMap<IpAddr, BTreeSet<u32>>;

/// The owned IPs as one link sees them.
#[derive(Debug, Clone, Copy)]
pub struct OwnedOnLink<'a> {
    owned: &'a Owned,
    link: u32,
}

impl<'a> OwnedOnLink<'a> {
    /// Those of `owned` that are announced on `link`.
    #[must_use]
    pub const fn new(owned: &'a Owned, link: u32) -> Self {
        Self { owned, link }
    }

    /// Whether `ip` is owned and announced on this link.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        self.owned
            .get(&ip)
            .is_some_and(|links| links.contains(&self.link))
    }
}

/// The answer to `frame`, received on a link with the address `link_mac`, if it
/// gets one.
#[must_use]
pub fn answer(frame: &Frame, link_mac: Mac, owned: OwnedOnLink<'_>) -> Option<Frame> {
    let (eth_src, sender) = (frame.eth_src(), frame.sender());
    let is_foreign = eth_src != link_mac && sender != link_mac && sender.is_unicast();
    if !is_foreign {
        return None;
    }
    match frame {
        Frame::Arp(frame) => arp(frame, link_mac, owned).map(Frame::Arp),
        Frame::Ndp(frame) => ndp(frame, link_mac, owned).map(Frame::Ndp),
    }
}

/// Probes (RFC 5227 §1.1) are answered like any request, and so are claims of
/// other hosts in request form: whoever tests an address must learn that it is
/// in use.
fn arp(frame: &ArpFrame, link_mac: Mac, owned: OwnedOnLink<'_>) -> Option<ArpFrame> {
    let target = frame.target_ip.into();
    let is_request =
        frame.operation == Operation::Request && is_for(frame.eth_dst, link_mac, target);
    (is_request && owned.contains(target)).then(|| ArpFrame::reply_to(frame, link_mac))
}

/// Solicitations to the target's group and to the target itself (RFC 4861 §7.2.3
/// and §7.3.3), with or without the sender's hardware address, and
/// duplicate-address probes.
fn ndp(frame: &NdpFrame, link_mac: Mac, owned: OwnedOnLink<'_>) -> Option<NdpFrame> {
    let target = frame.target.into();
    let is_request = matches!(frame.message, Message::Solicitation { .. })
        && is_for(frame.eth_dst, link_mac, target)
        && (frame.dst.is_multicast() || frame.dst == frame.target);
    (is_request && owned.contains(target)).then(|| NdpFrame::reply_to(frame, link_mac))
}

#[cfg(test)]
mod tests;
