//! The results of the election, as values.

use std::net::IpAddr;
use std::time::Instant;

use super::inputs::Epoch;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// Why this node took an IP; labels the takeover metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// No node had claimed it before.
    Fresh,
    /// Its owner no longer answers.
    Failover,
    /// Its owner is alive and gives it up.
    HandOver,
    /// This node is preferred for it.
    Preferred,
    /// Its owner held more than its share.
    Rebalance,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Fresh,
        Self::Failover,
        Self::HandOver,
        Self::Preferred,
        Self::Rebalance,
    ];

    /// The cause as a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Failover => "failover",
            Self::HandOver => "hand_over",
            Self::Preferred => "preferred",
            Self::Rebalance => "rebalance",
        }
    }
}

/// What the agent has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Probe the IP repeatedly until `until`.
    Probe {
        /// The IP.
        ip: IpAddr,
        /// When the election decides.
        until: Instant,
    },
    /// Publish the claim, start to answer and to announce.
    TakeOver {
        /// The IP.
        ip: IpAddr,
        /// The epoch of the claim.
        epoch: Epoch,
        /// The reason.
        cause: Cause,
        /// The previous owner, if known.
        from: Option<NodeName>,
    },
    /// Announce again: the claim is no longer disputed, or is defended.
    Announce {
        /// The IP.
        ip: IpAddr,
    },
    /// Stop answering and delete the claim.
    Withdraw {
        /// The IP.
        ip: IpAddr,
        /// The new owner, if known.
        to: Option<NodeName>,
    },
    /// A host that is not a speaker uses the IP.
    Conflict {
        /// The IP.
        ip: IpAddr,
        /// That host's MAC.
        mac: Mac,
    },
}
