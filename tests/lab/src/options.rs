//! The options of a lab. Values only.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The options with which a lab is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Number of nodes, at least 1.
    pub nodes: u8,
    /// Only the cluster, without FerroLB.
    pub bare: bool,
    /// The mode of kube-proxy.
    pub proxy_mode: ProxyMode,
    /// When Kubernetes marks a dead node NotReady.
    pub timing: Timing,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 3,
            bare: false,
            proxy_mode: ProxyMode::Nftables,
            timing: Timing::Fast,
        }
    }
}

/// kube-proxy's `--proxy-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ProxyMode {
    /// The current default recommendation.
    Nftables,
    /// The mode of most existing clusters.
    Iptables,
}

impl ProxyMode {
    /// The flag's value.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::Iptables => "iptables",
        }
    }
}

/// Intervals of Kubernetes' own node monitoring; FerroLB does not depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Timing {
    /// Upstream's defaults: a dead node is NotReady after about 50 s.
    Default,
    /// A dead node is NotReady after about 6 s, which keeps tests short.
    Fast,
}

/// The values of a [`Timing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// kube-controller-manager `--node-monitor-grace-period`, in seconds.
    pub grace: u32,
    /// kube-controller-manager `--node-monitor-period`, in seconds.
    pub monitor: u32,
    /// kubelet `nodeLeaseDurationSeconds`.
    pub lease: u32,
    /// kubelet `nodeStatusUpdateFrequency`, in seconds.
    pub status: u32,
}

impl Timing {
    /// The intervals.
    #[must_use]
    pub fn clocks(self) -> Clocks {
        match self {
            Self::Default => Clocks {
                grace: 50,
                monitor: 5,
                lease: 40,
                status: 10,
            },
            Self::Fast => Clocks {
                grace: 6,
                monitor: 1,
                lease: 4,
                status: 2,
            },
        }
    }
}
