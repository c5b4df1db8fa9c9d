//! What comes of a decision: values only.

use std::net::IpAddr;
use std::time::Instant;

use super::inputs::Epoch;
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

/// Why this node took an IP; labels the takeover metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Nobody had claimed it before.
    Fresh,
    /// Its owner fell silent.
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

/// What the engine has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the wire who answers for the IP, repeatedly until `until`.
    Probe {
        /// The IP to ask for.
        ip: IpAddr,
        /// When the verdict falls.
        until: Instant,
    },
    /// Publish the claim, begin to answer and announce.
    TakeOver {
        /// The IP.
        ip: IpAddr,
        /// The epoch to claim it with.
        epoch: Epoch,
        /// Why.
        cause: Cause,
        /// The previous owner, if one is known.
        from: Option<NodeName>,
    },
    /// Announce again: the claim is undisputed (once more), or defended.
    Announce {
        /// The IP.
        ip: IpAddr,
    },
    /// Stop answering and take the claim back.
    Withdraw {
        /// The IP.
        ip: IpAddr,
        /// Who owns it now, if anybody.
        to: Option<NodeName>,
    },
    /// A machine that is no speaker answers for the IP.
    Conflict {
        /// The IP.
        ip: IpAddr,
        /// The stranger.
        mac: Mac,
    },
}
