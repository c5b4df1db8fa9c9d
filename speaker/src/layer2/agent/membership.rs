//! From the start to the end of a member: settling, being away for a moment
//! without noticing, leaving.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Agent, Note};
use crate::layer2::gossip_keys::{self, IpKeys, KeyChange};

/// A starting speaker waits so long to see the peers that the API server knows
/// of, before it takes anything: one that sees nobody would take everything.
const SETTLE: Duration = Duration::from_secs(2);

/// A leaving speaker waits so long for its heirs.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

impl Agent {
    /// The API server's lists are in; these are the peers it knows of.
    pub fn expect_peers(&mut self, peers: BTreeSet<SocketAddr>) {
        self.peers = Some(peers);
    }

    /// Whether this speaker knows enough to own anything: the lists are in, and
    /// it sees its peers or has waited long enough for them.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Begins to leave: the others see it and take over while this node answers.
    pub fn drain(&mut self, now: Instant) {
        self.draining_since = Some(now);
        self.stale = true;
        self.publish(vec![gossip_keys::draining()]);
    }

    /// Whether this speaker is leaving.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.draining_since.is_some()
    }

    /// Whether its IPs have been handed over, or it has waited long enough.
    #[must_use]
    pub fn has_left(&self, now: Instant) -> bool {
        self.draining_since
            .is_some_and(|since| self.said.is_empty() || now - since > DRAIN_LIMIT)
    }

    /// The last word of one that has left: it takes back what nobody took over.
    #[must_use]
    pub fn retire(&self) -> Vec<KeyChange> {
        gossip_keys::changes(&self.said, &IpKeys::new())
    }

    /// Whether this node's name comes first among the live members.
    #[must_use]
    pub fn is_first(&self) -> bool {
        let mut others = self.snapshot.input.others.iter();
        !others.any(|(node, other)| other.alive && *node < self.node)
    }

    pub(super) fn settle(&mut self, now: Instant) {
        if self.settled {
            return;
        }
        let sees = |peers: &BTreeSet<_>| peers.is_subset(&self.heard());
        let peers = self.peers.as_ref();
        self.settled = peers.is_some_and(|it| now - self.started > SETTLE || sees(it));
        if self.settled {
            self.stale = true;
            self.publish(vec![gossip_keys::starting(false)]);
            let members = self.view.members.len();
            self.note(Note::Settled { members });
        }
    }

    /// The live members' addresses.
    pub(super) fn heard(&self) -> BTreeSet<SocketAddr> {
        let alive = self.view.members.values().filter(|member| member.alive);
        alive.map(|member| member.addr).collect()
    }

    /// The responder has been mute since nobody vouched for it, and goes on
    /// being so for each owned IP until the wire was asked.
    pub(super) fn stalled(&mut self, now: Instant) {
        let gap = now - self.last_turn;
        let late = gap - self.stall_limit;
        self.doubt(now, |ask| Note::Stalled {
            gap,
            mute: late + ask,
        });
    }

    /// A link lost its carrier, and had it again before that was seen: others
    /// may have taken over.
    pub fn carrier_flapped(&mut self, now: Instant) {
        self.doubt(now, |mute| Note::CarrierFlapped { mute });
    }

    /// Falls silent until the wire says that nobody took over; the note is told
    /// how long that takes.
    fn doubt(&mut self, now: Instant, note: impl FnOnce(Duration) -> Note) {
        self.monitor.forget();
        let actions = self.election.verify(now);
        let owned = !actions.is_empty();
        self.note(note(if owned { self.ask } else { Duration::ZERO }));
        self.perform(actions, now);
    }
}
