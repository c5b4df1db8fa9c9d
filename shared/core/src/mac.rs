//! MAC addresses (EUI-48). Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An Ethernet MAC address; displayed and serialized as `02:00:5e:10:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The broadcast address.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// All zeros: the target of an ARP request, or the address of a link that is not
    /// Ethernet.
    pub const ZERO: Self = Self([0; 6]);

    /// Whether this can be the address of a single host: neither zero nor a group
    /// address (lowest bit of the first octet set, IEEE 802).
    #[must_use]
    pub fn is_unicast(self) -> bool {
        self != Self::ZERO && self.0[0] & 1 == 0
    }
}

/// A text that is not a MAC address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a MAC address such as 02:00:5e:10:00:01")]
pub struct MacError {
    /// The text.
    pub text: String,
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        octets(text).map(Self).ok_or_else(|| MacError {
            text: text.to_owned(),
        })
    }
}

fn octets(text: &str) -> Option<[u8; 6]> {
    let octets: Vec<u8> = text.split(':').map(octet).collect::<Option<_>>()?;
    octets.try_into().ok()
}

fn octet(text: &str) -> Option<u8> {
    let two_digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
    two_digits.then(|| u8::from_str_radix(text, 16).ok())?
}

impl TryFrom<String> for Mac {
    type Error = MacError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Mac;

    #[test]
    fn group_and_zero_addresses_are_not_unicast() {
        assert!(Mac([2, 0, 0, 0, 0, 1]).is_unicast());
        assert!(!Mac([1, 0, 0x5e, 0, 0, 1]).is_unicast());
        assert!(!Mac::BROADCAST.is_unicast());
        assert!(!Mac::ZERO.is_unicast());
    }

    #[test]
    fn rejects_text_that_is_not_a_mac_address() {
        for text in [
            "",
            "02:00",
            "2:0:0:0:0:1",
            "02:00:00:00:00:0g",
            "02:00:00:00:00:+1",
        ] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }

    #[test]
    fn serializes_as_a_string() {
        let mac = Mac([2, 0, 0, 0xab, 0, 1]);
        let json = serde_json::to_string(&mac).unwrap();
        assert_eq!(json, "\"02:00:00:ab:00:01\"");
        assert_eq!(serde_json::from_str::<Mac>(&json).unwrap(), mac);
    }

    proptest! {
        #[test]
        fn a_displayed_address_parses_to_the_same_address(octets: [u8; 6]) {
            let mac = Mac(octets);
            prop_assert_eq!(mac.to_string().parse(), Ok(mac));
        }
    }
}
