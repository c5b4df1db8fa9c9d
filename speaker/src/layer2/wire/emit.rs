//! The bytes of the frames that we send, put together with pnet's packet types.
//! Pure. The only file that names pnet.
//!
//! pnet knows the layout of Ethernet, ARP, IPv6 and ICMPv6 headers and the
//! ICMPv6 checksum, so fields are set by name and not by offset. It does not read
//! what others send: its readers trust length fields (that of an NDP option
//! overflows from 32 on), while our parsers in `arp` and `ndp` check every byte.
//! Nor does it list interfaces: `host::links` has to follow their changes.

use std::net::Ipv6Addr;

use pnet::packet::arp::{Arp, ArpHardwareTypes, ArpOperation, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherType, EtherTypes, Ethernet, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{
    MutableNdpOptionPacket, MutableNeighborAdvertPacket, MutableNeighborSolicitPacket,
    NdpOptionType, NdpOptionTypes, NeighborAdvert, NeighborAdvertFlags, NeighborSolicit,
};
use pnet::packet::icmpv6::{Icmpv6Code, Icmpv6Types, MutableIcmpv6Packet, checksum};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::{Ipv6, MutableIpv6Packet};

use ferrolb_core::mac::Mac;

use super::arp::{self, ArpFrame, Operation};
use super::bytes::{ETHERNET_LEN, FrameBytes};
use super::ndp::{HOP_LIMIT, IPV6_LEN, MESSAGE_LEN, Message, NdpFrame, OPTION_LEN};

impl ArpFrame {
    /// The bytes to send; the network card adds padding and checksum.
    #[must_use]
    pub fn emit(&self) -> FrameBytes {
        arp(self)
    }
}

impl NdpFrame {
    /// The bytes to send.
    #[must_use]
    pub fn emit(&self) -> FrameBytes {
        ndp(self)
    }
}

fn arp(frame: &ArpFrame) -> FrameBytes {
    let mut bytes = FrameBytes::zeroed(arp::FRAME_LEN);
    let (header, body) = bytes.split_at_mut(ETHERNET_LEN);
    ethernet(header, frame.eth_src, frame.eth_dst, EtherTypes::Arp);
    if let Some(mut packet) = MutableArpPacket::new(body) {
        packet.populate(&Arp {
            hardware_type: ArpHardwareTypes::Ethernet,
            protocol_type: EtherTypes::Ipv4,
            hw_addr_len: 6,
            proto_addr_len: 4,
            operation: operation(frame.operation),
            sender_hw_addr: frame.sender_mac.0.into(),
            sender_proto_addr: frame.sender_ip,
            target_hw_addr: frame.target_mac.0.into(),
            target_proto_addr: frame.target_ip,
            payload: Vec::new(),
        });
    }
    bytes
}

fn ndp(frame: &NdpFrame) -> FrameBytes {
    let option = link_layer_option(frame.message);
    let length = MESSAGE_LEN + option.map_or(0, |_| OPTION_LEN);
    let mut bytes = FrameBytes::zeroed(ETHERNET_LEN + IPV6_LEN + length);
    let (header, packet) = bytes.split_at_mut(ETHERNET_LEN);
    ethernet(header, frame.eth_src, frame.eth_dst, EtherTypes::Ipv6);
    let (header, body) = packet.split_at_mut(IPV6_LEN);
    ipv6(header, frame.src, frame.dst, body.len());
    message(body, frame);
    let rest = body.get_mut(MESSAGE_LEN..).unwrap_or_default();
    if let (Some((kind, mac)), Some(mut packet)) = (option, MutableNdpOptionPacket::new(rest)) {
        packet.set_option_type(kind);
        packet.set_length(1);
        packet.set_data(&mac.0);
    }
    if let Some(mut packet) = MutableIcmpv6Packet::new(body) {
        let sum = checksum(&packet.to_immutable(), &frame.src, &frame.dst);
        packet.set_checksum(sum);
    }
    bytes
}

fn ethernet(header: &mut [u8], source: Mac, destination: Mac, ethertype: EtherType) {
    if let Some(mut packet) = MutableEthernetPacket::new(header) {
        packet.populate(&Ethernet {
            destination: destination.0.into(),
            source: source.0.into(),
            ethertype,
            payload: Vec::new(),
        });
    }
}

fn ipv6(header: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr, length: usize) {
    if let Some(mut packet) = MutableIpv6Packet::new(header) {
        packet.populate(&Ipv6 {
            version: 6,
            traffic_class: 0,
            flow_label: 0,
            payload_length: u16::try_from(length).unwrap_or(u16::MAX),
            next_header: IpNextHeaderProtocols::Icmpv6,
            hop_limit: HOP_LIMIT,
            source,
            destination,
            payload: Vec::new(),
        });
    }
}

/// The message without its option and checksum.
fn message(body: &mut [u8], frame: &NdpFrame) {
    match frame.message {
        Message::Solicitation { .. } => {
            if let Some(mut packet) = MutableNeighborSolicitPacket::new(body) {
                packet.populate(&NeighborSolicit {
                    icmpv6_type: Icmpv6Types::NeighborSolicit,
                    icmpv6_code: Icmpv6Code(0),
                    checksum: 0,
                    reserved: 0,
                    target_addr: frame.target,
                    options: Vec::new(),
                    payload: Vec::new(),
                });
            }
        }
        Message::Advertisement {
            solicited,
            overrides,
            ..
        } => {
            if let Some(mut packet) = MutableNeighborAdvertPacket::new(body) {
                packet.populate(&NeighborAdvert {
                    icmpv6_type: Icmpv6Types::NeighborAdvert,
                    icmpv6_code: Icmpv6Code(0),
                    checksum: 0,
                    flags: flags(solicited, overrides),
                    reserved: 0,
                    target_addr: frame.target,
                    options: Vec::new(),
                    payload: Vec::new(),
                });
            }
        }
    }
}

fn link_layer_option(message: Message) -> Option<(NdpOptionType, Mac)> {
    match message {
        Message::Solicitation { source_mac } => {
            source_mac.map(|mac| (NdpOptionTypes::SourceLLAddr, mac))
        }
        Message::Advertisement { target_mac, .. } => {
            target_mac.map(|mac| (NdpOptionTypes::TargetLLAddr, mac))
        }
    }
}

const fn flags(solicited: bool, overrides: bool) -> u8 {
    let solicited = if solicited {
        NeighborAdvertFlags::Solicited
    } else {
        0
    };
    let overrides = if overrides {
        NeighborAdvertFlags::Override
    } else {
        0
    };
    solicited | overrides
}

const fn operation(operation: Operation) -> ArpOperation {
    match operation {
        Operation::Request => ArpOperations::Request,
        Operation::Reply => ArpOperations::Reply,
    }
}
