//! What is to be done, as values.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ferrolb_core::key::NodeName;

use crate::layer2::election::Action;
use crate::layer2::gossip_keys::KeyChange;
use crate::layer2::wire::answer::Owned;
use crate::layer2::wire::frame::Frame;

/// Something to be done at the edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Tell all live members at once.
    Publish(Vec<KeyChange>),
    /// The responder answers for these IPs from now on, and no others.
    Answer(Owned),
    /// The responder reports who speaks for these IPs, and no others.
    Watch(HashSet<IpAddr>),
    /// Put a frame on the link with this kernel index.
    Send(u32, Frame),
    /// The responder may answer until then.
    Renew(Instant),
    /// Nothing is to be done: something to count, to log and to report.
    Note(Note),
}

/// What is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Election decided anew, whatever came of it.
    Decided,
    /// An action that came of it.
    Action {
        /// The action.
        action: Action,
        /// For how long its lost owner had been silent, where it is a failover
        /// from one that is known.
        silence: Option<Duration>,
    },
    /// Somebody answered for an IP that was asked for.
    ProbeAnswered,
    /// This process stood still.
    Stalled {
        /// For how long.
        gap: Duration,
        /// For how long it answers nobody because of that, the time included for
        /// which it asks the wire afterwards.
        mute: Duration,
    },
    /// A link lost its carrier and has it again, which was not seen in between.
    CarrierFlapped {
        /// For how long nobody is answered because of that.
        mute: Duration,
    },
    /// This speaker knows enough to own anything.
    Settled {
        /// How many members it sees.
        members: usize,
    },
    /// The facts were put together anew.
    SnapshotTaken {
        /// The live members, this node included.
        live: usize,
        /// The wanted IPs.
        wanted: usize,
    },
    /// The links to announce on are now these, by name.
    LinksChanged(Vec<String>),
    /// An owner missed an answer on the wire.
    ProbeMissed(NodeName),
    /// An owner does not answer on the wire, on which this node is heard.
    OwnerFailed(NodeName),
    /// Whether no other member answers this node on the LAN.
    Isolated(bool),
}
