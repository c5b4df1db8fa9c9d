//! A speaker's time as a member, from start to leaving: it settles before it owns
//! anything, and hands over before it leaves.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::output::{Note, Outputs};
use crate::gossip::View;
use crate::layer2::gossip_keys;

/// How long a starting speaker waits for the peers that the API server lists. One
/// that sees no member would take every IP.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

/// How long a leaving speaker waits for its successors.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Where this speaker is between start and leaving.
#[derive(Debug)]
pub(super) struct Membership {
    started: Instant,
    /// The peers to see before anything is taken; none before the API server's
    /// lists are complete.
    peers: Option<BTreeSet<SocketAddr>>,
    settled: bool,
    draining_since: Option<Instant>,
}

impl Membership {
    /// A speaker that starts now.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            started: now,
            peers: None,
            settled: false,
            draining_since: None,
        }
    }

    /// The API server's lists are complete, and contain these peers.
    pub(super) fn expect_peers(&mut self, peers: BTreeSet<SocketAddr>) {
        self.peers = Some(peers);
    }

    /// Whether this speaker knows enough to own IPs.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Settles if all expected peers are alive, or were waited for long enough;
    /// true at the moment when it does.
    pub(super) fn settle(&mut self, view: &View, now: Instant, outputs: &mut Outputs) -> bool {
        if self.settled {
            return false;
        }
        let late = now - self.started > SETTLE_LIMIT;
        let peers = self.peers.as_ref();
        self.settled = peers.is_some_and(|peers| late || peers.is_subset(&live_addresses(view)));
        if self.settled {
            outputs.publish(vec![gossip_keys::starting(false)]);
            let members = view.members.len();
            outputs.note(Note::Settled { members });
        }
        self.settled
    }

    /// Begins to leave.
    pub(super) fn drain(&mut self, now: Instant) {
        self.draining_since = Some(now);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining_since.is_some()
    }

    /// Whether a leaving speaker may go: its IPs are handed over, or it waited
    /// long enough.
    pub(super) fn has_left(&self, handed_over: bool, now: Instant) -> bool {
        self.draining_since
            .is_some_and(|since| handed_over || now - since > DRAIN_LIMIT)
    }
}

/// The gossip addresses of the live members.
pub(super) fn live_addresses(view: &View) -> BTreeSet<SocketAddr> {
    let alive = view.members.values().filter(|member| member.alive);
    alive.map(|member| member.addr).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    use super::{DRAIN_LIMIT, Membership, SETTLE_LIMIT};
    use crate::gossip::View;
    use crate::layer2::agent::output::Outputs;

    const MOMENT: Duration = Duration::from_millis(1);

    fn settle(membership: &mut Membership, now: Instant) -> bool {
        membership.settle(&View::default(), now, &mut Outputs::default())
    }

    #[test]
    fn settles_at_once_where_no_peer_is_expected() {
        let now = Instant::now();
        let mut membership = Membership::new(now);
        assert!(!settle(&mut membership, now + SETTLE_LIMIT * 9));
        membership.expect_peers(BTreeSet::new());
        assert!(settle(&mut membership, now));
        assert!(!settle(&mut membership, now), "only once");
        assert!(membership.is_settled());
    }

    #[test]
    fn waits_for_missing_peers_for_a_limited_time() {
        let now = Instant::now();
        let mut membership = Membership::new(now);
        membership.expect_peers([(Ipv4Addr::LOCALHOST, 9618).into()].into());
        assert!(!settle(&mut membership, now + SETTLE_LIMIT));
        assert!(settle(&mut membership, now + SETTLE_LIMIT + MOMENT));
    }

    #[test]
    fn leaves_when_its_ips_are_handed_over_or_after_the_limit() {
        let now = Instant::now();
        let mut membership = Membership::new(now);
        assert!(!membership.has_left(true, now), "it is not leaving");
        membership.drain(now);
        assert!(membership.has_left(true, now));
        assert!(!membership.has_left(false, now + DRAIN_LIMIT));
        assert!(membership.has_left(false, now + DRAIN_LIMIT + MOMENT));
    }
}
