//! Inclusive ranges of IP addresses of one family and their text form. Pure;
//! independent of pools.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Serialize, Serializer};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// An IP family. IPv4 orders first, as in most Kubernetes output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, 32 bits.
    V4,
    /// IPv6, 128 bits.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The address of this family with the given numeric value; `None` if the
    /// value needs more bits than the family has.
    #[must_use]
    pub fn address(self, bits: u128) -> Option<IpAddr> {
        match self {
            Self::V4 => u32::try_from(bits)
                .ok()
                .map(|bits| Ipv4Addr::from_bits(bits).into()),
            Self::V6 => Some(Ipv6Addr::from_bits(bits).into()),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// The numeric value of an address; orders addresses within a family.
#[must_use]
pub fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// Addresses from `first` to `last`, both included, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why a text or a pair of addresses is not a range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RangeError {
    /// Not an IP address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// An IPv4-mapped IPv6 address, which Kubernetes rejects.
    #[error("{0} is an IPv4-mapped IPv6 address; write it as IPv4")]
    Mapped(Ipv6Addr),
    /// The part after the slash is not a prefix length of the family.
    #[error("prefix length must be between 0 and {longest}, not {prefix:?}")]
    Prefix {
        /// The text after the slash.
        prefix: String,
        /// The longest prefix of the family.
        longest: u8,
    },
    /// An address without a prefix length or an end address.
    #[error("{0} has no prefix length; for a single address write \"{0}/{1}\"")]
    Bare(IpAddr, u8),
    /// One end is IPv4, the other IPv6.
    #[error("the range {0}-{1} mixes IPv4 and IPv6")]
    Mixed(IpAddr, IpAddr),
    /// The first address comes after the last.
    #[error("the range {0}-{1} is reversed; write the lower address first")]
    Reversed(IpAddr, IpAddr),
}

impl IpRange {
    /// A range from `first` to `last`, both included.
    ///
    /// # Errors
    /// When the families differ or `first` comes after `last`.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, RangeError> {
        if Family::of(first) != Family::of(last) {
            return Err(RangeError::Mixed(first, last));
        }
        if first > last {
            return Err(RangeError::Reversed(first, last));
        }
        Ok(Self { first, last })
    }

    /// The lowest address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The highest address.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// The family of all its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.first)
    }

    /// Whether the range includes the address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.family() == Family::of(ip) && self.first <= ip && ip <= self.last
    }

    /// Whether any address is in both ranges.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.family() == other.family() && self.first <= other.last && other.first <= self.last
    }

    /// The length of the shortest prefix that lies entirely within the range.
    #[must_use]
    pub fn widest_prefix(&self) -> u8 {
        let longest = longest_prefix(self.first);
        let (first, last) = (bits(self.first), bits(self.last));
        let fits = |length: &u8| {
            let host = u32::from(longest - length);
            let mask = u128::MAX.checked_shl(host).map_or(u128::MAX, |net| !net);
            let start = first.checked_add(mask).map(|end| end & !mask);
            let end = start.and_then(|start| start.checked_add(mask));
            end.is_some_and(|end| end <= last)
        };
        (0..longest).find(fits).unwrap_or(longest)
    }

    /// The number of addresses; `u128::MAX` for all of IPv6.
    #[must_use]
    pub fn size(&self) -> u128 {
        (bits(self.last) - bits(self.first)).saturating_add(1)
    }
}

impl FromStr for IpRange {
    type Err = RangeError;

    /// Reads `10.0.0.0/24` (host bits are dropped) or `10.0.0.1-10.0.0.9`
    /// (spaces around the dash are allowed).
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let text = text.trim();
        if let Some((first, last)) = text.split_once('-') {
            return Self::new(address(first)?, address(last)?);
        }
        match text.split_once('/') {
            Some((ip, prefix)) => cidr(address(ip)?, prefix.trim()),
            None => address(text).and_then(|ip| Err(RangeError::Bare(ip, longest_prefix(ip)))),
        }
    }
}

impl fmt::Display for IpRange {
    /// The range as a prefix if it is one, else as `first-last`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differing = 128 - (bits(self.first) ^ bits(self.last)).leading_zeros();
        let prefix = u32::from(longest_prefix(self.first)) - differing;
        let net = u8::try_from(prefix)
            .ok()
            .and_then(|prefix| IpNet::new(self.first, prefix).ok())
            .filter(|net| net.network() == self.first && last_of(*net) == self.last);
        match net {
            Some(net) => write!(f, "{net}"),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl Serialize for IpRange {
    /// As text that parses to the same range.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Parses one address as strictly as Kubernetes does: no leading zeros, no zone,
/// no IPv4-mapped IPv6.
///
/// # Errors
/// When the text is not such an address.
pub fn address(text: &str) -> Result<IpAddr, RangeError> {
    let text = text.trim();
    match text.parse() {
        Ok(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_some() => Err(RangeError::Mapped(ip)),
        Ok(ip) => Ok(ip),
        Err(_) => Err(RangeError::Address(text.to_owned())),
    }
}

fn cidr(ip: IpAddr, prefix: &str) -> Result<IpRange, RangeError> {
    let net = prefix
        .parse()
        .ok()
        .and_then(|length| IpNet::new(ip, length).ok());
    let net = net.ok_or_else(|| RangeError::Prefix {
        prefix: prefix.to_owned(),
        longest: longest_prefix(ip),
    })?;
    IpRange::new(net.network(), last_of(net))
}

/// The highest address of a network, which `IpNet` calls broadcast for IPv6 too.
fn last_of(net: IpNet) -> IpAddr {
    net.broadcast()
}

fn longest_prefix(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
