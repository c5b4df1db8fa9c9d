//! What the state machine of one IP decides on, and where its actions go.

use std::net::IpAddr;
use std::time::Instant;

use ferrolb_core::key::NodeName;

use super::{Action, Epoch, Timing};

/// The situation of one IP at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Situation {
    /// Some Service wants it announced.
    pub(super) desired: bool,
    /// This node has a link with carrier for it.
    pub(super) reachable: bool,
    /// This node may announce it.
    pub(super) eligible: bool,
    /// Another live node may announce it.
    pub(super) others_eligible: bool,
    /// The other live member with the highest claim.
    pub(super) rival: Option<Rival>,
    /// The dead member that claimed it last.
    pub(super) last_owner: Option<NodeName>,
    /// No live member claims it, but the dead one still answers on the LAN.
    pub(super) last_owner_answers: bool,
    /// Another node reports that a foreign host uses it.
    pub(super) held_by_foreign_host: bool,
    /// This node's position in the order of its successors; none while its owner is
    /// eligible.
    pub(super) position: Option<usize>,
    /// The highest epoch known for it.
    pub(super) top_epoch: Epoch,
}

/// Another live member that claims the IP.
#[derive(Debug, Clone)]
pub(super) struct Rival {
    pub(super) node: NodeName,
    /// Its claim is higher than this node's, or this node has none.
    pub(super) outranks: bool,
    /// It does not answer on the LAN.
    pub(super) failed: bool,
    /// It missed liveness probes, and this node is its successor.
    pub(super) suspected: bool,
    /// How often in quick succession the IP was taken by force, by the rival last.
    pub(super) forced_takeovers: u32,
}

/// The origin of a claim seen on the LAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClaimSource {
    /// A host that is not a speaker.
    ForeignHost,
    /// A speaker that is alive in gossip.
    Member,
    /// A speaker that is dead in gossip. Of two owners that see each other on the LAN
    /// only, the one with the lower rank yields.
    DeadMember {
        /// Its node.
        node: NodeName,
        /// Whether that one is to yield.
        yields: bool,
    },
}

/// One step for one IP: the time, and where the resulting actions go.
pub(super) struct Context<'a> {
    pub(super) ip: IpAddr,
    pub(super) now: Instant,
    pub(super) timing: Timing,
    actions: &'a mut Vec<Action>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        ip: IpAddr,
        now: Instant,
        timing: Timing,
        actions: &'a mut Vec<Action>,
    ) -> Self {
        Self {
            ip,
            now,
            timing,
            actions,
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }
}
