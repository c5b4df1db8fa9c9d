//! chitchat's server, reduced to what the driver and the handle need. One of
//! the two files that name chitchat; its types stop here.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use chitchat::{
    Chitchat, ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, NodeState,
    spawn_chitchat,
};

use super::roster::{Incarnation, Observation, Version};
use super::seal::CLUSTER;
use super::transport::SealedTransport;

/// chitchat's default. A lower one gives false alarms from the mechanics of
/// gossip alone; to detect faster, shorten the interval.
const PHI_THRESHOLD: f64 = 8.0;
const SAMPLES: usize = 1_000;
/// A gap longer than this many intervals is not a sample of the usual gap.
const LONGEST_GAP: u32 = 10;
/// How long dead members and deleted keys are remembered: longer than a repair
/// takes, so that the claims of the dead stay readable.
const GRACE_PERIOD: Duration = Duration::from_secs(3600);

/// A running chitchat server.
pub(super) struct Cluster {
    server: ChitchatHandle,
}

impl Cluster {
    /// Starts chitchat on the transport's socket.
    pub(super) async fn start(
        own: &Incarnation,
        interval: Duration,
        transport: &SealedTransport,
    ) -> anyhow::Result<Self> {
        let config = configuration(own, interval);
        let server = spawn_chitchat(config, Vec::new(), transport).await?;
        Ok(Self { server })
    }

    /// Everything chitchat holds, self included; the keys only of those whose
    /// version is not the one `known` returns.
    pub(super) async fn observations(
        &self,
        known: impl Fn(&Incarnation) -> Option<Version>,
    ) -> Vec<Observation> {
        let chitchat = self.server.chitchat();
        let chitchat = chitchat.lock().await;
        let live: HashSet<&ChitchatId> = chitchat.live_nodes().collect();
        let states = chitchat.node_states().iter();
        states
            .map(|(id, state)| observation(id, state, live.contains(id), &known))
            .collect()
    }

    /// Sets and deletes own keys in one step. Returns the addresses of the live
    /// members if anything changed.
    pub(super) async fn change(
        &self,
        changes: &[(String, Option<String>)],
    ) -> Option<HashSet<SocketAddr>> {
        let chitchat = self.server.chitchat();
        let mut chitchat = chitchat.lock().await;
        let state = chitchat.self_node_state();
        let before = state.max_version();
        for (key, value) in changes {
            match value {
                Some(value) => state.set(key, value),
                None if state.contains_key(key) => state.delete(key),
                None => {}
            }
        }
        (state.max_version() != before).then(|| live_peers(&chitchat))
    }

    /// Exchanges state with `addr` at once. Without effect once the server has ended.
    pub(super) fn contact(&self, addr: SocketAddr) {
        // The only failure is that the server has ended, which `ended` reports.
        let _ = self.server.gossip(addr);
    }

    /// Resolves when the server has ended, with the reason unless it was stopped.
    pub(super) fn ended(&self) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let watcher = self.server.termination_watcher();
        async move { watcher.await.map_err(|error| format!("{error:#}")) }
    }

    /// Ends the server and waits for it.
    pub(super) async fn stop(&self) {
        // A failure to request it means that it has ended already.
        let _ = self.server.initiate_shutdown();
        let _ = self.ended().await;
    }
}

fn configuration(own: &Incarnation, interval: Duration) -> ChitchatConfig {
    ChitchatConfig {
        chitchat_id: ChitchatId::new(own.node.as_str(), own.generation, own.addr),
        cluster_id: CLUSTER.to_owned(),
        gossip_interval: interval,
        listen_addr: own.addr,
        seed_nodes: Vec::new(),
        failure_detector_config: FailureDetectorConfig {
            phi_threshold: PHI_THRESHOLD,
            sampling_window_size: SAMPLES,
            max_interval: interval * LONGEST_GAP,
            initial_interval: interval / 2,
            dead_node_grace_period: GRACE_PERIOD,
        },
        marked_for_deletion_grace_period: GRACE_PERIOD,
        catchup_callback: None,
        extra_liveness_predicate: None,
    }
}

fn live_peers(chitchat: &Chitchat) -> HashSet<SocketAddr> {
    let own = chitchat.self_chitchat_id();
    let others = chitchat.live_nodes().filter(|id| *id != own);
    others.map(|id| id.gossip_advertise_addr).collect()
}

fn observation(
    id: &ChitchatId,
    state: &NodeState,
    alive: bool,
    known: &impl Fn(&Incarnation) -> Option<Version>,
) -> Observation {
    let who = Incarnation {
        node: id.node_id.to_string(),
        generation: id.generation_id,
        addr: id.gossip_advertise_addr,
    };
    let version = state.monotonic_property();
    let stale = known(&who) != Some(version);
    Observation {
        beat: state.heartbeat().into(),
        version,
        alive,
        state: stale.then(|| keys(state)),
        who,
    }
}

fn keys(state: &NodeState) -> BTreeMap<String, String> {
    let keys = state.key_values();
    keys.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}
