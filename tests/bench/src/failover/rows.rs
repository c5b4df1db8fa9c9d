//! The rows of the table: what happens to the owner, and with which setup.

use std::time::Duration;

use clap::ValueEnum;
use ferrolb_speaker::layer2::election::Timing;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Row {
    /// The owner's link is lost.
    Link,
    /// The owner's machine is frozen.
    Freeze,
    /// The owner's link is lost; the client uses IPv6.
    Link6,
    /// The owner's link is lost; every node has a second NIC, on another network.
    SecondNic,
    /// The switch drops the owner's frames; its carrier stays.
    Switch,
    /// The owner's link is lost while the API server is down.
    Api,
    /// The owner's speaker is killed by SIGKILL.
    Kill,
    /// The owner's speaker is stopped by SIGTERM.
    Term,
    /// All speakers are replaced, one by one.
    Roll,
    /// The owner's link is lost; the profile is `fast`.
    LinkFast,
    /// The owner's machine is frozen; the profile is `fast`.
    FreezeFast,
    /// The switch drops the owner's frames, while gossip runs on another network.
    Port,
    /// keepalived, advertising every second: the owner's link is lost.
    Keepalived,
    /// keepalived, advertising every tenth of a second: the owner's link is lost.
    KeepalivedFast,
    /// The owner's link is lost, ten nodes.
    Link10,
    /// The owner's machine is frozen, ten nodes.
    Freeze10,
}

/// What is done to the owner in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The lab breaks the node.
    Node(ferrolb_lab::lab::FailureMode),
    /// SIGKILL to its speaker.
    Kill,
    /// Its speaker's pod is deleted.
    Term,
    /// The whole DaemonSet is rolled.
    Roll,
}

/// How the speakers are set up in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// As delivered.
    Default,
    /// With the profile `fast`.
    Fast,
    /// With a second NIC, on another network.
    SecondNic,
    /// Gossip on a network of its own.
    SecondNetwork,
    /// As delivered, and the API server is down.
    WithoutApi,
    /// keepalived instead, with this advertisement interval in milliseconds.
    Keepalived(u32),
}

impl Row {
    /// The row's name in the table.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Link => "link lost",
            Self::Freeze => "machine frozen",
            Self::Link6 => "link lost, IPv6",
            Self::SecondNic => "link lost, second NIC",
            Self::Switch => "switch drops frames",
            Self::Api => "link lost, no API server",
            Self::Kill => "speaker killed (-9)",
            Self::Term => "speaker stopped (SIGTERM)",
            Self::Roll => "all speakers rolled",
            Self::LinkFast => "link lost, fast profile",
            Self::FreezeFast => "machine frozen, fast profile",
            Self::Port => "LAN port dead, gossip elsewhere",
            Self::Keepalived => "keepalived 1 s, link lost",
            Self::KeepalivedFast => "keepalived 0.1 s, link lost",
            Self::Link10 => "link lost, 10 nodes",
            Self::Freeze10 => "machine frozen, 10 nodes",
        }
    }

    /// The size of the lab.
    pub(crate) fn nodes(self) -> u8 {
        match self {
            Self::Link10 | Self::Freeze10 => 10,
            _ => 3,
        }
    }

    /// How the speakers are set up.
    pub(crate) fn setup(self) -> Setup {
        match self {
            Self::LinkFast | Self::FreezeFast => Setup::Fast,
            Self::SecondNic => Setup::SecondNic,
            Self::Port => Setup::SecondNetwork,
            Self::Api => Setup::WithoutApi,
            Self::Keepalived => Setup::Keepalived(1000),
            Self::KeepalivedFast => Setup::Keepalived(100),
            _ => Setup::Default,
        }
    }

    /// The fault.
    pub(crate) fn fault(self) -> Fault {
        use ferrolb_lab::lab::FailureMode;
        match self {
            Self::Freeze | Self::FreezeFast | Self::Freeze10 => Fault::Node(FailureMode::Freeze),
            Self::Switch | Self::Port => Fault::Node(FailureMode::Partition),
            Self::Kill => Fault::Kill,
            Self::Term => Fault::Term,
            Self::Roll => Fault::Roll,
            _ => Fault::Node(FailureMode::Link),
        }
    }

    /// The least time from one trial's start to the next. Ports that fail one after
    /// the other within the flap window look like a partitioned LAN to the speakers,
    /// which they handle differently.
    pub(crate) fn gap(self) -> Duration {
        match self {
            Self::Port => Timing::default().flap_window + Duration::from_secs(1),
            _ => Duration::ZERO,
        }
    }

    /// The number of trials, of `requested` ones: a rollout takes as long as ten
    /// failovers, and keepalived varies little.
    pub(crate) fn trials(self, requested: u32) -> u32 {
        match self {
            Self::Roll | Self::Keepalived | Self::KeepalivedFast => requested.div_ceil(10),
            _ => requested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut labels: Vec<&str> = Row::value_variants()
            .iter()
            .map(|row| row.label())
            .collect();
        let all = labels.len();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), all);
    }

    #[test]
    fn costly_rows_are_tried_at_least_once() {
        assert_eq!(Row::Roll.trials(50), 5);
        assert_eq!(Row::Roll.trials(1), 1);
        assert_eq!(Row::Link.trials(50), 50);
    }
}
