//! Which ARP frame gets an answer, and which. Pure: no clock, no sockets.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use super::arp::{ArpFrame, Operation};
use super::mac::Mac;

/// Owned IPs, each with the links (by kernel index) it is announced on.
pub type Owned = HashMap<Ipv4Addr, BTreeSet<u32>>;

/// The owned IPs as one link sees them.
#[derive(Debug, Clone, Copy)]
pub struct OwnedOnLink<'a> {
    owned: &'a Owned,
    link: u32,
}

impl<'a> OwnedOnLink<'a> {
    /// What of `owned` is announced on `link`.
    #[must_use]
    pub const fn new(owned: &'a Owned, link: u32) -> Self {
        Self { owned, link }
    }

    /// Whether `ip` is owned and announced on this link.
    #[must_use]
    pub fn contains(self, ip: Ipv4Addr) -> bool {
        self.owned
            .get(&ip)
            .is_some_and(|links| links.contains(&self.link))
    }
}

/// The answer to `frame`, which came in on a link whose address is `link_mac`;
/// none where silence is right.
///
/// Probes (RFC 5227 §1.1) are answered like any question, and so is another
/// host's claim in request form: whoever tests an address must hear that it
/// is taken.
#[must_use]
pub fn answer(frame: &ArpFrame, link_mac: Mac, owned: OwnedOnLink<'_>) -> Option<ArpFrame> {
    let asked = frame.operation == Operation::Request
        && (frame.eth_dst == Mac::BROADCAST || frame.eth_dst == link_mac);
    let by_another =
        frame.eth_src != link_mac && frame.sender_mac != link_mac && frame.sender_mac.is_unicast();
    (asked && by_another && owned.contains(frame.target_ip))
        .then(|| ArpFrame::reply_to(frame, link_mac))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    use super::{ArpFrame, Mac, Operation, Owned, OwnedOnLink, answer};

    const LINK: u32 = 3;
    const OWNED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
    const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn answered_on(link: u32, frame: &ArpFrame) -> Option<ArpFrame> {
        let owned = Owned::from([(OWNED, BTreeSet::from([LINK]))]);
        answer(frame, OURS, OwnedOnLink::new(&owned, link))
    }

    fn request() -> ArpFrame {
        let mut frame = ArpFrame::probe(OWNED, THEIRS);
        frame.sender_ip = Ipv4Addr::new(192, 0, 2, 1);
        frame
    }

    #[test]
    fn answers_broadcast_and_unicast_requests() {
        let mut frame = request();
        assert_eq!(
            answered_on(LINK, &frame),
            Some(ArpFrame::reply_to(&frame, OURS))
        );
        frame.eth_dst = OURS;
        assert_eq!(
            answered_on(LINK, &frame),
            Some(ArpFrame::reply_to(&frame, OURS))
        );
    }

    #[test]
    fn answers_probes_and_claims_of_others() {
        assert!(answered_on(LINK, &ArpFrame::probe(OWNED, THEIRS)).is_some());
        assert!(answered_on(LINK, &ArpFrame::gratuitous_request(OWNED, THEIRS)).is_some());
    }

    #[test]
    fn is_silent_on_other_links_and_for_other_addresses() {
        let mut frame = request();
        assert_eq!(answered_on(LINK + 1, &frame), None);
        frame.target_ip = Ipv4Addr::new(192, 0, 2, 8);
        assert_eq!(answered_on(LINK, &frame), None);
    }

    #[test]
    fn never_answers_a_reply() {
        let mut frame = request();
        frame.operation = Operation::Reply;
        assert_eq!(answered_on(LINK, &frame), None);
    }

    #[test]
    fn never_answers_what_was_sent_to_another_station() {
        let mut frame = request();
        frame.eth_dst = Mac([2, 0, 0, 0, 0, 9]);
        assert_eq!(answered_on(LINK, &frame), None);
    }

    #[test]
    fn never_answers_a_frame_of_our_own_address() {
        assert_eq!(answered_on(LINK, &ArpFrame::probe(OWNED, OURS)), None);
        let mut relayed = request();
        relayed.eth_src = OURS;
        assert_eq!(answered_on(LINK, &relayed), None);
    }

    #[test]
    fn never_sends_an_answer_to_a_group() {
        let mut frame = request();
        for group in [Mac::BROADCAST, Mac([1, 0, 0x5e, 0, 0, 1]), Mac::ZERO] {
            frame.sender_mac = group;
            assert_eq!(answered_on(LINK, &frame), None);
        }
    }
}
