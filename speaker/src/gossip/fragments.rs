//! Fragmentation and reassembly of gossip messages that do not fit into one
//! sealed datagram. Pure.
//!
//! chitchat fills a datagram to the last byte UDP allows and does not know what
//! sealing adds, so a full one travels in two. Every fragment begins with six
//! bytes: the message's number (4, big endian), the fragment's index and the
//! number of fragments (1 each).

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The longest UDP payload over IPv4: 65,535 less the two headers.
const DATAGRAM_MAX: usize = 65_507;
const PREFIX_LEN: usize = 6;
const FRAGMENT_MAX: usize = DATAGRAM_MAX - super::seal::OVERHEAD - PREFIX_LEN;
/// Incomplete messages are kept for this many senders at most.
const INCOMPLETE_MAX: usize = 64;

/// Splits message number `number` into fragments that fit once they are sealed.
/// `None` from 16 MB on, which no datagram can have carried.
pub(super) fn split(message: &[u8], number: u32) -> Option<Vec<Vec<u8>>> {
    let chunks: Vec<&[u8]> = if message.is_empty() {
        vec![message]
    } else {
        message.chunks(FRAGMENT_MAX).collect()
    };
    let count = u8::try_from(chunks.len()).ok()?;
    let fragments = (0..count).zip(chunks).map(|(index, chunk)| {
        let mut fragment = Vec::with_capacity(PREFIX_LEN + chunk.len());
        fragment.extend(number.to_be_bytes());
        fragment.extend([index, count]);
        fragment.extend(chunk);
        fragment
    });
    Some(fragments.collect())
}

/// Not a fragment as [`split`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MalformedFragment;

/// Messages with fragments missing, one per sender: a new message from the same
/// sender replaces the old one, which was lost or is late.
#[derive(Debug, Default)]
pub(super) struct Reassembler {
    incomplete: BTreeMap<SocketAddr, Incomplete>,
}

#[derive(Debug)]
struct Incomplete {
    number: u32,
    chunks: BTreeMap<u8, Vec<u8>>,
}

impl Reassembler {
    /// Adds a fragment from `from`; returns the message that it completes, if any.
    ///
    /// # Errors
    /// When `fragment` is malformed.
    pub(super) fn add(
        &mut self,
        from: SocketAddr,
        fragment: &[u8],
    ) -> Result<Option<Vec<u8>>, MalformedFragment> {
        let (prefix, chunk) = fragment
            .split_first_chunk::<PREFIX_LEN>()
            .ok_or(MalformedFragment)?;
        let [a, b, c, d, index, count] = *prefix;
        match (index, count) {
            (0, 1) => Ok(Some(chunk.to_vec())),
            _ if index >= count => Err(MalformedFragment),
            _ => Ok(self.collect(
                from,
                u32::from_be_bytes([a, b, c, d]),
                (index, count),
                chunk,
            )),
        }
    }

    fn collect(
        &mut self,
        from: SocketAddr,
        number: u32,
        (index, count): (u8, u8),
        chunk: &[u8],
    ) -> Option<Vec<u8>> {
        if self.incomplete.len() >= INCOMPLETE_MAX && !self.incomplete.contains_key(&from) {
            self.incomplete.pop_first();
        }
        let fresh = || Incomplete {
            number,
            chunks: BTreeMap::new(),
        };
        let incomplete = self.incomplete.entry(from).or_insert_with(fresh);
        if incomplete.number != number {
            *incomplete = fresh();
        }
        incomplete.chunks.insert(index, chunk.to_vec());
        if incomplete.chunks.len() < usize::from(count) {
            return None;
        }
        let whole = self.incomplete.remove(&from)?;
        Some(whole.chunks.into_values().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::seal::OVERHEAD;
    use super::{DATAGRAM_MAX, MalformedFragment, Reassembler, split};

    const A: &str = "10.0.0.1:1";
    const B: &str = "10.0.0.2:1";

    fn reassemble(
        reassembler: &mut Reassembler,
        from: &str,
        fragments: &[Vec<u8>],
    ) -> Option<Vec<u8>> {
        let from = from.parse().unwrap();
        fragments
            .iter()
            .find_map(|fragment| reassembler.add(from, fragment).unwrap())
    }

    fn full() -> Vec<u8> {
        (0..DATAGRAM_MAX).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn a_short_message_travels_in_one_part() {
        for message in [&b""[..], b"beat"] {
            let fragments = split(message, 1).unwrap();
            assert_eq!(fragments.len(), 1);
            assert_eq!(
                reassemble(&mut Reassembler::default(), A, &fragments).unwrap(),
                message
            );
        }
    }

    #[test]
    fn a_full_message_travels_in_two_that_each_fit() {
        let fragments = split(&full(), 1).unwrap();
        assert_eq!(fragments.len(), 2);
        assert!(
            fragments
                .iter()
                .all(|fragment| fragment.len() + OVERHEAD <= DATAGRAM_MAX)
        );
        assert_eq!(
            reassemble(&mut Reassembler::default(), A, &fragments).unwrap(),
            full()
        );
    }

    #[test]
    fn parts_may_arrive_in_any_order() {
        let mut fragments = split(&full(), 1).unwrap();
        fragments.reverse();
        assert_eq!(
            reassemble(&mut Reassembler::default(), A, &fragments).unwrap(),
            full()
        );
    }

    #[test]
    fn parts_of_two_messages_or_two_senders_never_mix() {
        let first = split(&full(), 1).unwrap();
        let second = split(&full(), 2).unwrap();
        let mut reassembler = Reassembler::default();
        assert_eq!(reassemble(&mut reassembler, A, &first[..1]), None);
        assert_eq!(reassemble(&mut reassembler, B, &first[1..]), None);
        assert_eq!(reassemble(&mut reassembler, A, &second[1..]), None);
        assert_eq!(
            reassemble(&mut reassembler, A, &second[..1]).unwrap(),
            full()
        );
    }

    #[test]
    fn incomplete_messages_of_silent_senders_are_bounded() {
        let fragments = split(&full(), 1).unwrap();
        let mut reassembler = Reassembler::default();
        for port in 1..1_000 {
            reassemble(
                &mut reassembler,
                &format!("10.0.0.1:{port}"),
                &fragments[..1],
            );
        }
        assert!(reassembler.incomplete.len() <= super::INCOMPLETE_MAX);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..16)) {
            let added = Reassembler::default().add(A.parse().unwrap(), &bytes);
            if bytes.len() < 6 {
                prop_assert_eq!(added, Err(MalformedFragment));
            }
        }
    }
}
