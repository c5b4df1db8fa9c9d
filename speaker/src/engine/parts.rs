//! What the engine is given at its start, and where its messages come from.

use std::sync::Arc;
use std::time::Duration;

use ferrolb_api::views::SpeakerState;
use ferrolb_core::key::NodeName;
use ferrolb_runtime::ready::Guard;
use ferrolb_runtime::state_page::StateRequest;
use tokio::sync::{mpsc, watch};

use super::report::Reporter;
use crate::eligibility::NodeFilter;
use crate::gossip::{Gossip, View};
use crate::host::interfaces::{Links, Patterns};
use crate::k8s::Update;
use crate::layer2::io::responder::{Wire, WireEvent};
use crate::metrics::SpeakerMetrics;

/// What the engine is made of.
pub struct Parts {
    /// This node.
    pub node: NodeName,
    /// The UDP port of gossip, to turn pods into peers.
    pub gossip_port: u16,
    /// The membership.
    pub gossip: Gossip,
    /// The packet sockets.
    pub wire: Wire,
    /// Interfaces never to announce on.
    pub exclude: Patterns,
    /// The gap between refresh announcements.
    pub refresh: Option<Duration>,
    /// How long an IP is probed that was never announced before.
    pub initial_probe: Duration,
    /// Which Nodes may not announce.
    pub node_filter: NodeFilter,
    /// The counters.
    pub metrics: SpeakerMetrics,
    /// Writes Events and status objects.
    pub reporter: Reporter,
    /// Conditions of readiness.
    pub guards: Guards,
}

/// Conditions of readiness that the engine meets; each is cleared once.
#[derive(Debug)]
pub struct Guards {
    /// Until the gossip cluster has been joined.
    pub joined: Option<Guard>,
    /// Until the sockets of a link are open.
    pub listening: Option<Guard>,
    /// Until a configuration, or the absence of one, is known.
    pub configured: Option<Guard>,
}

/// Where the engine's messages come from.
pub struct Inputs {
    /// The API server.
    pub updates: mpsc::Receiver<Update>,
    /// The gossip cluster.
    pub view: watch::Receiver<Arc<View>>,
    /// The interfaces.
    pub links: watch::Receiver<Arc<Links>>,
    /// The packet sockets.
    pub wire_events: mpsc::UnboundedReceiver<WireEvent>,
    /// The page `/state`.
    pub state_requests: mpsc::Receiver<StateRequest<SpeakerState>>,
}
