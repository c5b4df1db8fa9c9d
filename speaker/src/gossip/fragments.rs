//! Cutting a gossip message that does not fit into one sealed datagram, and
//! joining it again. Pure.
//!
//! chitchat fills a datagram to the last byte UDP allows and knows nothing of
//! what sealing adds, so a full one has to travel in two. Six bytes go before
//! every part: the message's number (4, big endian), the part's index and the
//! number of parts (1 each).

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The longest UDP payload over IPv4: 65,535 less the two headers.
const DATAGRAM_MAX: usize = 65_507;
const PREFIX_LEN: usize = 6;
const PART_MAX: usize = DATAGRAM_MAX - super::seal::OVERHEAD - PREFIX_LEN;
/// A sender's unfinished message is kept for this many senders at most.
const UNFINISHED_MAX: usize = 64;

/// Cuts message number `number` into parts that fit once they are sealed.
/// `None` for one of 16 MB and more, which no datagram can have carried.
pub(super) fn split(message: &[u8], number: u32) -> Option<Vec<Vec<u8>>> {
    let chunks: Vec<&[u8]> = if message.is_empty() {
        vec![message]
    } else {
        message.chunks(PART_MAX).collect()
    };
    let count = u8::try_from(chunks.len()).ok()?;
    let parts = (0..count).zip(chunks).map(|(index, chunk)| {
        let mut part = Vec::with_capacity(PREFIX_LEN + chunk.len());
        part.extend(number.to_be_bytes());
        part.extend([index, count]);
        part.extend(chunk);
        part
    });
    Some(parts.collect())
}

/// A part is not one that [`split`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAPart;

/// Messages of which not all parts are here yet, one per sender: a new one
/// from the same sender replaces the old, which was lost or is late.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    unfinished: BTreeMap<SocketAddr, Unfinished>,
}

#[derive(Debug)]
struct Unfinished {
    number: u32,
    chunks: BTreeMap<u8, Vec<u8>>,
}

impl Joiner {
    /// Takes a part from `from`; returns the message it completes, if it does.
    ///
    /// # Errors
    /// When `part` is malformed.
    pub(super) fn join(
        &mut self,
        from: SocketAddr,
        part: &[u8],
    ) -> Result<Option<Vec<u8>>, NotAPart> {
        let (prefix, chunk) = part.split_first_chunk::<PREFIX_LEN>().ok_or(NotAPart)?;
        let [a, b, c, d, index, count] = *prefix;
        match (index, count) {
            (0, 1) => Ok(Some(chunk.to_vec())),
            _ if index >= count => Err(NotAPart),
            _ => Ok(self.keep(
                from,
                u32::from_be_bytes([a, b, c, d]),
                (index, count),
                chunk,
            )),
        }
    }

    fn keep(
        &mut self,
        from: SocketAddr,
        number: u32,
        (index, count): (u8, u8),
        chunk: &[u8],
    ) -> Option<Vec<u8>> {
        if self.unfinished.len() >= UNFINISHED_MAX && !self.unfinished.contains_key(&from) {
            self.unfinished.pop_first();
        }
        let fresh = || Unfinished {
            number,
            chunks: BTreeMap::new(),
        };
        let unfinished = self.unfinished.entry(from).or_insert_with(fresh);
        if unfinished.number != number {
            *unfinished = fresh();
        }
        unfinished.chunks.insert(index, chunk.to_vec());
        if unfinished.chunks.len() < usize::from(count) {
            return None;
        }
        let whole = self.unfinished.remove(&from)?;
        Some(whole.chunks.into_values().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::seal::OVERHEAD;
    use super::{DATAGRAM_MAX, Joiner, NotAPart, split};

    const A: &str = "10.0.0.1:1";
    const B: &str = "10.0.0.2:1";

    fn join(joiner: &mut Joiner, from: &str, parts: &[Vec<u8>]) -> Option<Vec<u8>> {
        let from = from.parse().unwrap();
        parts
            .iter()
            .find_map(|part| joiner.join(from, part).unwrap())
    }

    fn full() -> Vec<u8> {
        (0..DATAGRAM_MAX).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn a_short_message_travels_in_one_part() {
        for message in [&b""[..], b"beat"] {
            let parts = split(message, 1).unwrap();
            assert_eq!(parts.len(), 1);
            assert_eq!(join(&mut Joiner::default(), A, &parts).unwrap(), message);
        }
    }

    #[test]
    fn a_full_message_travels_in_two_that_each_fit() {
        let parts = split(&full(), 1).unwrap();
        assert_eq!(parts.len(), 2);
        assert!(
            parts
                .iter()
                .all(|part| part.len() + OVERHEAD <= DATAGRAM_MAX)
        );
        assert_eq!(join(&mut Joiner::default(), A, &parts).unwrap(), full());
    }

    #[test]
    fn parts_may_arrive_in_any_order() {
        let mut parts = split(&full(), 1).unwrap();
        parts.reverse();
        assert_eq!(join(&mut Joiner::default(), A, &parts).unwrap(), full());
    }

    #[test]
    fn parts_of_two_messages_or_two_senders_never_mix() {
        let first = split(&full(), 1).unwrap();
        let second = split(&full(), 2).unwrap();
        let mut joiner = Joiner::default();
        assert_eq!(join(&mut joiner, A, &first[..1]), None);
        assert_eq!(join(&mut joiner, B, &first[1..]), None);
        assert_eq!(join(&mut joiner, A, &second[1..]), None);
        assert_eq!(join(&mut joiner, A, &second[..1]).unwrap(), full());
    }

    #[test]
    fn what_is_kept_for_silent_senders_is_bounded() {
        let parts = split(&full(), 1).unwrap();
        let mut joiner = Joiner::default();
        for port in 1..1_000 {
            join(&mut joiner, &format!("10.0.0.1:{port}"), &parts[..1]);
        }
        assert!(joiner.unfinished.len() <= super::UNFINISHED_MAX);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..16)) {
            let joined = Joiner::default().join(A.parse().unwrap(), &bytes);
            if bytes.len() < 6 {
                prop_assert_eq!(joined, Err(NotAPart));
            }
        }
    }
}
