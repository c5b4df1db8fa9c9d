//! ARP frames for IPv4 over Ethernet (RFC 826, RFC 5227): their fields, and a
//! parser that no bytes can make panic. Pure.

use std::net::Ipv4Addr;

use thiserror::Error;

use super::bytes::{TYPE_SERVICE_VLAN, TYPE_VLAN, at};
use ferrolb_core::mac::Mac;

/// Length of an ARP frame in bytes, without padding and frame check sequence.
pub const FRAME_LEN: usize = 42;

const TYPE_ARP: u16 = 0x0806;
const TYPE_IPV4: u16 = 0x0800;
const HARDWARE_ETHERNET: u16 = 1;
const OPERATION_REQUEST: u16 = 1;
const OPERATION_REPLY: u16 = 2;

/// The `ar$op` field of RFC 826.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has the sender address.
    Reply,
}

/// One ARP frame for IPv4 over Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArpFrame {
    /// Source in the Ethernet header.
    pub eth_src: Mac,
    /// Destination in the Ethernet header.
    pub eth_dst: Mac,
    /// Request or reply.
    pub operation: Operation,
    /// Hardware address of the sender in the ARP header.
    pub sender_mac: Mac,
    /// IPv4 address of the sender; `0.0.0.0` in a probe.
    pub sender_ip: Ipv4Addr,
    /// Hardware address of the target; without meaning in a request.
    pub target_mac: Mac,
    /// The requested IPv4 address; in a reply that of the receiver.
    pub target_ip: Ipv4Addr,
}

/// Why bytes are not an ARP frame for IPv4 over untagged Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ArpError {
    /// Shorter than the headers.
    #[error("frame of {0} bytes is shorter than 42")]
    TooShort(usize),
    /// An 802.1Q or 802.1ad tag. The kernel removes the tags of networks on which
    /// there is an interface, so a tagged frame is not for us.
    #[error("frame carries a VLAN tag")]
    Tagged,
    /// Another protocol.
    #[error("EtherType {0:#06x} is not ARP")]
    NotArp(u16),
    /// `ar$hrd` is not Ethernet.
    #[error("hardware type {0} is not Ethernet")]
    HardwareType(u16),
    /// `ar$pro` is not IPv4.
    #[error("protocol type {0:#06x} is not IPv4")]
    ProtocolType(u16),
    /// `ar$hln` is not 6.
    #[error("hardware address length {0} is not 6")]
    HardwareLength(u8),
    /// `ar$pln` is not 4.
    #[error("protocol address length {0} is not 4")]
    ProtocolLength(u8),
    /// `ar$op` is neither request nor reply.
    #[error("operation {0} is neither request nor reply")]
    Operation(u16),
}

impl ArpFrame {
    /// Parses a frame; bytes after the 42nd are padding.
    ///
    /// # Errors
    /// The first defect, in the order of the bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArpError> {
        let frame = bytes
            .first_chunk::<FRAME_LEN>()
            .ok_or(ArpError::TooShort(bytes.len()))?;
        check_headers(frame)?;
        Ok(Self {
            eth_dst: Mac(at::<0, 6, _>(frame)),
            eth_src: Mac(at::<6, 6, _>(frame)),
            operation: operation(u16::from_be_bytes(at::<20, 2, _>(frame)))?,
            sender_mac: Mac(at::<22, 6, _>(frame)),
            sender_ip: Ipv4Addr::from(at::<28, 4, _>(frame)),
            target_mac: Mac(at::<32, 6, _>(frame)),
            target_ip: Ipv4Addr::from(at::<38, 4, _>(frame)),
        })
    }

    /// A broadcast request for `ip` that does not claim anything (RFC 5227 §1.1:
    /// the sender address is zero, so that no neighbour table changes).
    #[must_use]
    pub const fn probe(ip: Ipv4Addr, mac: Mac) -> Self {
        Self {
            eth_src: mac,
            eth_dst: Mac::BROADCAST,
            operation: Operation::Request,
            sender_mac: mac,
            sender_ip: Ipv4Addr::UNSPECIFIED,
            target_mac: Mac::ZERO,
            target_ip: ip,
        }
    }

    /// The same request to one host only.
    #[must_use]
    pub const fn probe_to(ip: Ipv4Addr, mac: Mac, host: Mac) -> Self {
        let mut frame = Self::probe(ip, mac);
        frame.eth_dst = host;
        frame
    }

    /// The reply to `request`: its target is at `mac`.
    #[must_use]
    pub const fn reply_to(request: &Self, mac: Mac) -> Self {
        Self {
            eth_src: mac,
            eth_dst: request.sender_mac,
            operation: Operation::Reply,
            sender_mac: mac,
            sender_ip: request.target_ip,
            target_mac: request.sender_mac,
            target_ip: request.sender_ip,
        }
    }

    /// A broadcast that `ip` is at `mac`, as a request (the ARP announcement of
    /// RFC 5227 §3).
    #[must_use]
    pub const fn gratuitous_request(ip: Ipv4Addr, mac: Mac) -> Self {
        let mut frame = Self::probe(ip, mac);
        frame.sender_ip = ip;
        frame
    }

    /// A broadcast that `ip` is at `mac`, as a reply. The target hardware address is
    /// the sender's: Linux accepts a gratuitous reply only in that form.
    #[must_use]
    pub const fn gratuitous_reply(ip: Ipv4Addr, mac: Mac) -> Self {
        let mut frame = Self::gratuitous_request(ip, mac);
        frame.operation = Operation::Reply;
        frame.target_mac = mac;
        frame
    }

    /// A request that does not claim an address (RFC 5227 §1.1).
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.operation == Operation::Request && self.sender_ip.is_unspecified()
    }

    /// The sender announces its own address.
    #[must_use]
    pub fn is_gratuitous(&self) -> bool {
        self.sender_ip == self.target_ip
    }
}

fn check_headers(frame: &[u8; FRAME_LEN]) -> Result<(), ArpError> {
    match u16::from_be_bytes(at::<12, 2, _>(frame)) {
        TYPE_ARP => {}
        TYPE_VLAN | TYPE_SERVICE_VLAN => return Err(ArpError::Tagged),
        other => return Err(ArpError::NotArp(other)),
    }
    let hardware = u16::from_be_bytes(at::<14, 2, _>(frame));
    let protocol = u16::from_be_bytes(at::<16, 2, _>(frame));
    match (hardware, protocol, frame[18], frame[19]) {
        (HARDWARE_ETHERNET, TYPE_IPV4, 6, 4) => Ok(()),
        (HARDWARE_ETHERNET, TYPE_IPV4, 6, length) => Err(ArpError::ProtocolLength(length)),
        (HARDWARE_ETHERNET, TYPE_IPV4, length, _) => Err(ArpError::HardwareLength(length)),
        (HARDWARE_ETHERNET, other, ..) => Err(ArpError::ProtocolType(other)),
        (other, ..) => Err(ArpError::HardwareType(other)),
    }
}

const fn operation(code: u16) -> Result<Operation, ArpError> {
    match code {
        OPERATION_REQUEST => Ok(Operation::Request),
        OPERATION_REPLY => Ok(Operation::Reply),
        other => Err(ArpError::Operation(other)),
    }
}

#[cfg(test)]
mod tests;
