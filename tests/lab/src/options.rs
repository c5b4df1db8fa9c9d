//! What a lab can be asked to be. Values only.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How a lab is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// How many nodes, from 1.
    pub nodes: u8,
    /// Without FerroLB: only the cluster.
    pub bare: bool,
    /// How kube-proxy writes its rules.
    pub proxy_mode: ProxyMode,
    /// How soon Kubernetes believes that a node is dead.
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
    /// The mode of today.
    Nftables,
    /// The mode of most clusters that exist.
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

/// The clocks of Kubernetes' own node monitoring; FerroLB does not depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Timing {
    /// Upstream's defaults: a dead node is NotReady after about 50 s.
    Default,
    /// A dead node is NotReady after about 6 s, so that a test need not wait.
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
    /// The clocks themselves.
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
