//! What the state machine of one IP is given, and where its actions go.

use std::net::IpAddr;
use std::time::Instant;

use ferrolb_core::key::NodeName;

use super::{Action, Epoch, Timing};

/// What matters for one IP at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Situation {
    /// Some Service wants it announced.
    pub(super) desired: bool,
    /// This node has a link for it that has carrier.
    pub(super) reachable: bool,
    /// This node may announce it.
    pub(super) eligible: bool,
    /// Some other live node may announce it.
    pub(super) others_eligible: bool,
    /// A live claim beats this node's, or this node has none.
    pub(super) outranked: bool,
    /// The live member with the highest claim besides this node.
    pub(super) rival: Option<NodeName>,
    /// The dead member that claimed it last.
    pub(super) last_owner: Option<NodeName>,
    /// The rival lives, but does not answer on the wire.
    pub(super) silent: bool,
    /// How often in quick succession the rival and those before it took the IP
    /// from nodes that lived.
    pub(super) forced_takeovers: u32,
    /// The rival has missed a question on the wire, and this node is its heir.
    pub(super) early: bool,
    /// The dead member goes on answering on the wire.
    pub(super) answers: bool,
    /// Another node reports a stranger that holds it.
    pub(super) held_by_foreign_host: bool,
    /// This node's place in the line of those who may take it; none while its
    /// holder is fit.
    pub(super) position: Option<usize>,
    /// The highest epoch known for it.
    pub(super) top_epoch: Epoch,
}

/// Who spoke for an IP on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClaimSource {
    /// No speaker.
    ForeignHost,
    /// A speaker that gossip shows alive.
    Member,
    /// A speaker that gossip does not show alive; of two owners that only the
    /// wire shows to each other the one with the lower rank yields.
    DeadMember {
        /// Which.
        node: NodeName,
        /// It is the one to yield.
        yields: bool,
    },
}

/// One look at one IP: when, and what comes of it.
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
