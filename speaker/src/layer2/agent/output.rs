//! What the agent wants done, as values.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ferrolb_core::key::NodeName;

use crate::layer2::election::Action;
use crate::layer2::gossip_keys::KeyChange;
use crate::layer2::wire::answer::Owned;
use crate::layer2::wire::frame::Frame;

/// Something to do outside the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Publish these keys in gossip, and send them to all live members at once.
    Publish(Vec<KeyChange>),
    /// From now on the responder answers for these IPs only.
    Answer(Owned),
    /// From now on the responder reports claims on these IPs only.
    Watch(HashSet<IpAddr>),
    /// Send a frame on the link with this kernel index.
    Send(u32, Frame),
    /// The responder may answer until then.
    Renew(Instant),
    /// Something to count, log and report.
    Note(Note),
}

/// Something worth counting, logging or reporting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The election ran, with whatever result.
    Decided,
    /// An action that the election decided on.
    Action {
        /// The action.
        action: Action,
        /// For a failover from a known owner: how long that owner was silent.
        silence: Option<Duration>,
    },
    /// Another host answered for an IP that was being probed.
    ProbeAnswered,
    /// This process stalled.
    Stalled {
        /// For how long.
        gap: Duration,
        /// For how long it does not answer because of that, probing included.
        mute: Duration,
    },
    /// A link lost its carrier and has it again; the loss was not noticed in between.
    CarrierFlapped {
        /// For how long this node does not answer because of that.
        mute: Duration,
    },
    /// This speaker knows enough to own IPs.
    Settled {
        /// The number of members it sees.
        members: usize,
    },
    /// A new snapshot was taken.
    SnapshotTaken {
        /// The live members, this node included.
        live: usize,
        /// The desired IPs.
        desired: usize,
    },
    /// The links to announce on are now these, by name.
    LinksChanged(Vec<String>),
    /// An owner missed a liveness probe.
    ProbeMissed(NodeName),
    /// An owner does not answer liveness probes, although this node's link works.
    OwnerFailed(NodeName),
    /// Whether no other member answers this node on the LAN.
    Isolated(bool),
}

/// The outputs since they were last taken, in the order in which they must be
/// carried out.
#[derive(Debug, Default)]
pub(super) struct Outputs(Vec<Output>);

impl Outputs {
    pub(super) fn push(&mut self, output: Output) {
        self.0.push(output);
    }

    pub(super) fn publish(&mut self, changes: Vec<KeyChange>) {
        self.push(Output::Publish(changes));
    }

    pub(super) fn note(&mut self, note: Note) {
        self.push(Output::Note(note));
    }

    pub(super) fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.0)
    }
}
