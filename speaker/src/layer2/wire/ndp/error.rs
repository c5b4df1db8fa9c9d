//! Why bytes are not a neighbour discovery frame. Pure.

use std::net::Ipv6Addr;

use thiserror::Error;

/// Why bytes are not a valid neighbour solicitation or advertisement over untagged
/// Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NdpError {
    /// Shorter than the headers and the message.
    #[error("frame of {0} bytes is shorter than 78")]
    TooShort(usize),
    /// An 802.1Q or 802.1ad tag; see the same defect of ARP frames.
    #[error("frame carries a VLAN tag")]
    Tagged,
    /// Another protocol.
    #[error("EtherType {0:#06x} is not IPv6")]
    NotIpv6(u16),
    /// Another IP version.
    #[error("IP version {0} is not 6")]
    Version(u8),
    /// The IPv6 header is not followed by ICMPv6.
    #[error("next header {0} is not ICMPv6")]
    NotIcmp(u8),
    /// It came through a router, or was sent with a wrong hop limit.
    #[error("hop limit {0} is not 255")]
    HopLimit(u8),
    /// The payload is shorter than a message, or longer than the frame.
    #[error("payload length {0} does not fit the message or the frame")]
    Length(u16),
    /// Damaged in transit.
    #[error("wrong checksum")]
    Checksum,
    /// Neither solicitation nor advertisement.
    #[error("ICMPv6 type {0} is neither solicitation nor advertisement")]
    Type(u8),
    /// The code of both messages is 0.
    #[error("ICMPv6 code {0} is not 0")]
    Code(u8),
    /// An option of length 0 would never end.
    #[error("an option has length 0")]
    OptionEmpty,
    /// An option goes beyond the end of the message.
    #[error("an option of {0} bytes is longer than the rest of the message")]
    OptionTooLong(usize),
    /// A hardware address that is not an Ethernet address.
    #[error("a link-layer address option of {0} bytes does not hold an Ethernet address")]
    OptionNotEthernet(usize),
    /// The target is multicast or unspecified.
    #[error("target {0} is not a unicast address")]
    Target(Ipv6Addr),
    /// The source is invalid for the message.
    #[error("source {0} is not valid for this message")]
    Source(Ipv6Addr),
    /// A duplicate-address probe with a hardware address.
    #[error("a duplicate-address probe carries a link-layer address")]
    ProbeWithSource,
    /// A duplicate-address probe that is not addressed to the target's group.
    #[error("a duplicate-address probe is addressed to {0}")]
    ProbeTo(Ipv6Addr),
    /// A solicited advertisement goes to one host.
    #[error("an advertisement to a group has the solicited flag set")]
    SolicitedByGroup,
}
