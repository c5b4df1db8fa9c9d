//! The speaker's flags, each with an environment fallback.

use std::net::IpAddr;
use std::time::Duration;

use clap::{ArgAction, Parser, ValueEnum};
use ferrolb_runtime::args::CommonArgs;

use crate::eligibility::NodeFilter;
use crate::report::l2_status::writer::Author;

/// Taints of nodes that are about to be removed: shut down for good, or chosen by
/// an autoscaler. A cordon (`node.kubernetes.io/unschedulable`) does not count: it
/// does not concern pods that run already.
const DRAIN_TAINTS: [&str; 3] = [
    "node.kubernetes.io/out-of-service",
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
];

/// Failure detection profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// For all nodes.
    Default,
    /// Detects twice as fast, with twice the traffic; for nodes with spare CPU.
    Fast,
}

/// Announces external IPs of LoadBalancer Services on the LAN; agrees with the
/// other speakers on one owner per IP.
#[derive(Debug, Clone, Parser)]
#[command(name = "ferrolb-speaker", version)]
pub struct Args {
    /// Flags shared with the controller.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Name of the Node on which this speaker runs (`spec.nodeName` of its pod).
    #[arg(long, env = "FERROLB_NODE_NAME")]
    pub node_name: String,

    /// Gossip address of this speaker for the others (`status.hostIP` of its pod).
    #[arg(long, env = "FERROLB_GOSSIP_ADDRESS")]
    pub gossip_address: IpAddr,

    /// Name of this pod (`metadata.name`). With `--pod-uid`, the status objects that
    /// the speaker writes are removed together with the pod.
    #[arg(long, env = "FERROLB_POD_NAME")]
    pub pod_name: Option<String>,

    /// Uid of this pod (`metadata.uid`).
    #[arg(long, env = "FERROLB_POD_UID")]
    pub pod_uid: Option<String>,

    /// UDP port for gossip; the same on every node.
    #[arg(long, env = "FERROLB_GOSSIP_PORT", default_value_t = 9618)]
    pub gossip_port: u16,

    /// Failure detection profile; the same on every node.
    #[arg(long, env = "FERROLB_PROFILE", value_enum, default_value_t = Profile::Default)]
    pub profile: Profile,

    /// Gossip interval in milliseconds; the same on every node. 0 chooses by the
    /// number of nodes: 50 up to 25 nodes, 100 up to 50, 200 beyond; half of that
    /// with `--profile fast`.
    #[arg(long, env = "FERROLB_GOSSIP_INTERVAL_MS", default_value_t = 0)]
    pub gossip_interval_ms: u64,

    /// Time in milliseconds for which an IP is probed on the LAN before its first
    /// announcement. 0 announces without probing.
    #[arg(
        long,
        alias = "probe-fresh-ms",
        env = "FERROLB_INITIAL_PROBE_MS",
        default_value_t = 300
    )]
    pub initial_probe_ms: u64,

    /// Serve Services with this `spec.loadBalancerClass`; without it, those that have
    /// none.
    #[arg(long, env = "FERROLB_LOAD_BALANCER_CLASS")]
    pub load_balancer_class: Option<String>,

    /// Names of interfaces never to announce on; `*` at the end matches any suffix.
    /// Added to the built-in list of container network devices. Repeat the flag, or
    /// separate by commas.
    #[arg(long, env = "FERROLB_EXCLUDE_INTERFACES", value_delimiter = ',', action = ArgAction::Append)]
    pub exclude_interfaces: Vec<String>,

    /// Keys of the taints of nodes that are being drained: their speakers hand their
    /// IPs over. Replaces the default list. Repeat the flag, or separate by commas.
    #[arg(
        long,
        env = "FERROLB_DRAIN_TAINTS",
        value_delimiter = ',',
        action = ArgAction::Append,
        default_values = DRAIN_TAINTS
    )]
    pub drain_taints: Vec<String>,

    /// Announce also on Nodes that carry the label
    /// `node.kubernetes.io/exclude-from-external-load-balancers`.
    #[arg(long, env = "FERROLB_IGNORE_EXCLUDE_LABEL")]
    pub ignore_exclude_label: bool,

    /// Seconds between refresh announcements of an owned IP. 0 turns them off.
    #[arg(long, env = "FERROLB_ANNOUNCE_REFRESH_SECONDS", default_value_t = 60)]
    pub announce_refresh_seconds: u64,
}

impl Args {
    /// The gossip interval for a cluster of `nodes` nodes.
    #[must_use]
    pub fn gossip_interval(&self, nodes: usize) -> Duration {
        let normal = match nodes {
            0..=25 => 50,
            26..=50 => 100,
            _ => 200,
        };
        let milliseconds = match (self.gossip_interval_ms, self.profile) {
            (0, Profile::Default) => normal,
            (0, Profile::Fast) => normal / 2,
            (chosen, _) => chosen,
        };
        Duration::from_millis(milliseconds)
    }

    /// How long an address is probed that was never announced before.
    #[must_use]
    pub fn initial_probe(&self) -> Duration {
        Duration::from_millis(self.initial_probe_ms)
    }

    /// The author of status objects.
    #[must_use]
    pub fn author(&self) -> Author {
        Author {
            node: self.node_name.clone(),
            pod: self.pod_name.clone().zip(self.pod_uid.clone()),
        }
    }

    /// Which Nodes may not announce.
    #[must_use]
    pub fn node_filter(&self) -> NodeFilter {
        let taints = self.drain_taints.iter();
        NodeFilter {
            drain_taints: taints.filter(|key| !key.is_empty()).cloned().collect(),
            ignore_exclude_label: self.ignore_exclude_label,
        }
    }

    /// The gap between refresh announcements.
    #[must_use]
    pub fn announce_refresh(&self) -> Option<Duration> {
        (self.announce_refresh_seconds > 0)
            .then(|| Duration::from_secs(self.announce_refresh_seconds))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Args;

    fn args(extra: &[&str]) -> Args {
        let base = [
            "ferrolb-speaker",
            "--node-name=a",
            "--gossip-address=192.0.2.1",
        ];
        Args::parse_from(base.iter().chain(extra))
    }

    #[test]
    fn the_interval_follows_the_number_of_nodes_unless_chosen() {
        let automatic = args(&[]);
        let chosen = [3, 26, 51].map(|nodes| automatic.gossip_interval(nodes).as_millis());
        assert_eq!(chosen, [50, 100, 200]);
        let fast = args(&["--profile=fast"]).gossip_interval(3);
        assert_eq!(fast.as_millis(), 25);
        assert_eq!(
            args(&["--gossip-interval-ms=25"])
                .gossip_interval(80)
                .as_millis(),
            25
        );
    }

    #[test]
    fn the_list_of_drain_taints_is_replaced_not_added_to() {
        let out_of_service = "node.kubernetes.io/out-of-service";
        assert!(
            args(&[])
                .node_filter()
                .drain_taints
                .contains(out_of_service)
        );
        let chosen = args(&["--drain-taints=going,gone"])
            .node_filter()
            .drain_taints;
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), ["going", "gone"]);
        assert!(
            args(&["--drain-taints="])
                .node_filter()
                .drain_taints
                .is_empty()
        );
    }
}
