//! Why bytes are no neighbour discovery frame. Pure.

use std::net::Ipv6Addr;

use thiserror::Error;

/// Why bytes are no sound neighbour solicitation or advertisement over
/// untagged Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NdpError {
    /// Fewer bytes than headers and message take.
    #[error("frame of {0} bytes is shorter than 78")]
    TooShort(usize),
    /// An 802.1Q or 802.1ad tag; see the same defect of ARP frames.
    #[error("frame carries a VLAN tag")]
    Tagged,
    /// Another protocol.
    #[error("EtherType {0:#06x} is not IPv6")]
    NotIpv6(u16),
    /// The IPv6 header says another version.
    #[error("IP version {0} is not 6")]
    Version(u8),
    /// Something else than ICMPv6 follows the IPv6 header.
    #[error("next header {0} is not ICMPv6")]
    NotIcmp(u8),
    /// It came through a router, or pretends to come from far.
    #[error("hop limit {0} is not 255")]
    HopLimit(u8),
    /// The payload is shorter than a message, or longer than the frame.
    #[error("payload length {0} fits neither the message nor the frame")]
    Length(u16),
    /// Damaged on the way.
    #[error("the checksum is wrong")]
    Checksum,
    /// Neither solicitation nor advertisement.
    #[error("ICMPv6 type {0} is neither solicitation nor advertisement")]
    Type(u8),
    /// The code of both messages is 0.
    #[error("ICMPv6 code {0} is not 0")]
    Code(u8),
    /// An option of no length would never end.
    #[error("an option has length 0")]
    OptionEmpty,
    /// An option goes on beyond the end of the message.
    #[error("an option of {0} bytes is longer than what is left")]
    OptionTooLong(usize),
    /// A hardware address that is no Ethernet address.
    #[error("a link-layer address option of {0} bytes is no Ethernet address")]
    OptionNotEthernet(usize),
    /// The target can be no station's address.
    #[error("target {0} is no unicast address")]
    Target(Ipv6Addr),
    /// Nobody can speak from that address.
    #[error("source {0} can send no such message")]
    Source(Ipv6Addr),
    /// A duplicate-address probe that gives a hardware address.
    #[error("a duplicate-address probe carries a link-layer address")]
    ProbeWithSource,
    /// A duplicate-address probe that is not sent to the target's group.
    #[error("a duplicate-address probe is addressed to {0}")]
    ProbeTo(Ipv6Addr),
    /// Nobody can have asked as a group.
    #[error("an advertisement to a group says that it was solicited")]
    SolicitedByGroup,
}
