//! The one task that owns what this speaker knows and owns. Everything reaches
//! it as a message; each message, or a deadline, leads to one turn. What is done
//! and in which order is decided in `conduct`, which is pure; here are the
//! channels, the clock, and the hands that carry its effects out.

mod carry_out;
mod inputs;
mod report;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_runtime::ready::Guard;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use ferrolb_core::key::NodeName;
use ferrolb_core::key::ObjectKey;

use crate::eligibility::{Eligibility, NodeFilter};
use crate::gossip::{Gossip, View};
use crate::host::interfaces::{Link, Links, Patterns};
use crate::k8s::Update;
use crate::layer2::agent::{Conduct, Settings};
use crate::layer2::io::responder::{Wire, WireEvent};
use crate::metrics::SpeakerMetrics;
use inputs::Synced;
pub use report::Reporter;

/// A part the engine cannot do without stopped by itself. It is better to end,
/// and be restarted, than to hold IPs without knowing who else does.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The interfaces are no longer watched.
    #[error("the interfaces are no longer watched")]
    LinksLost,
    /// Gossip ended.
    #[error("gossip ended")]
    GossipLost,
    /// The responder's thread ended.
    #[error("the thread that answers on the wire ended")]
    WireLost,
}

/// What the engine is given.
pub struct Parts {
    /// This node.
    pub node: NodeName,
    /// The UDP port of the gossip, to turn pods into peers.
    pub gossip_port: u16,
    /// The membership.
    pub gossip: Gossip,
    /// The wire.
    pub wire: Wire,
    /// Interfaces never to announce on.
    pub exclude: Patterns,
    /// The gap between announcements in quiet times.
    pub refresh: Option<Duration>,
    /// How long the wire is asked for an IP that nobody announced before.
    pub probe_fresh: Duration,
    /// What Nodes can say against announcing.
    pub node_filter: NodeFilter,
    /// What it counts.
    pub metrics: SpeakerMetrics,
    /// Through whom it tells the cluster.
    pub reporter: Reporter,
    /// Dropped when the gossip cluster has been joined.
    pub joined: Guard,
    /// Dropped when the sockets of a link are open.
    pub listening: Guard,
    /// Dropped when a configuration is in force.
    pub configured: Guard,
}

/// Where its messages come from.
pub struct Inputs {
    /// The API server.
    pub updates: mpsc::Receiver<Update>,
    /// The gossip cluster.
    pub view: watch::Receiver<Arc<View>>,
    /// The interfaces.
    pub links: watch::Receiver<Arc<Links>>,
    /// The wire.
    pub sightings: mpsc::UnboundedReceiver<WireEvent>,
}

/// The engine's state.
pub struct Engine {
    node: NodeName,
    gossip_port: u16,
    gossip: Gossip,
    wire: Wire,
    exclude: Patterns,
    metrics: SpeakerMetrics,
    reporter: Reporter,
    joined: Option<Guard>,
    listening: Option<Guard>,
    configured: Option<Guard>,

    eligibility: Eligibility,
    pods: BTreeMap<ObjectKey, IpAddr>,
    synced: Synced,
    /// The suitable links, as the kernel last told of them.
    fit: Vec<Link>,
    conduct: Conduct,
    /// When a conflict on an IP was last logged.
    complained: BTreeMap<IpAddr, Instant>,
}

impl Engine {
    /// An engine that owns nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let settings = Settings {
            node: parts.node.clone(),
            interval: parts.gossip.interval(),
            detection_time: parts.gossip.detection_time(),
            refresh: parts.refresh,
            probe_fresh: parts.probe_fresh,
        };
        Self {
            conduct: Conduct::new(settings, Instant::now()),
            node: parts.node,
            gossip_port: parts.gossip_port,
            gossip: parts.gossip,
            wire: parts.wire,
            exclude: parts.exclude,
            metrics: parts.metrics,
            reporter: parts.reporter,
            joined: Some(parts.joined),
            listening: Some(parts.listening),
            configured: Some(parts.configured),
            eligibility: Eligibility::new(parts.node_filter),
            pods: BTreeMap::new(),
            synced: Synced::default(),
            fit: Vec::new(),
            complained: BTreeMap::new(),
        }
    }

    /// Runs until `leave` fires and the IPs are handed over.
    ///
    /// # Errors
    /// When the gossip or the wire stops working by itself.
    pub async fn run(
        mut self,
        mut inputs: Inputs,
        leave: CancellationToken,
    ) -> Result<(), EngineError> {
        self.carry_out(Instant::now()).await;
        while !self.conduct.has_left(Instant::now()) {
            self.next_input(&mut inputs, &leave).await?;
            self.turn(Instant::now()).await;
        }
        self.retire().await;
        Ok(())
    }

    /// Waits for a message or a deadline, and takes in what has arrived.
    async fn next_input(
        &mut self,
        inputs: &mut Inputs,
        leave: &CancellationToken,
    ) -> Result<(), EngineError> {
        let deadline = tokio::time::Instant::from_std(self.conduct.next_deadline());
        let leaving = self.conduct.is_leaving();
        tokio::select! {
            () = leave.cancelled(), if !leaving => self.drain(),
            changed = inputs.links.changed() => {
                changed.map_err(|_| EngineError::LinksLost)?;
                let links = inputs.links.borrow_and_update().clone();
                self.links_changed(&links);
            }
            changed = inputs.view.changed() => {
                changed.map_err(|_| EngineError::GossipLost)?;
                let view = inputs.view.borrow_and_update().clone();
                self.conduct.view_changed(view);
            }
            event = inputs.sightings.recv() => {
                self.sighted(event.ok_or(EngineError::WireLost)?).await;
            }
            Some(update) = inputs.updates.recv() => {
                self.updated(update);
                while let Ok(update) = inputs.updates.try_recv() {
                    self.updated(update);
                }
            }
            () = tokio::time::sleep_until(deadline) => {}
        }
        // Nobody is judged before all that was heard has been considered.
        while let Ok(event) = inputs.sightings.try_recv() {
            self.sighted(event).await;
        }
        Ok(())
    }

    /// One turn, with what the API server has to say to it; tells the cluster last.
    async fn turn(&mut self, now: Instant) {
        if !self.conduct.is_settled() && self.synced.lists() {
            self.conduct.expect_peers(self.peers());
        }
        self.conduct.turn(self.eligibility.desired(), now);
        self.carry_out(now).await;
        self.report(now);
    }

    fn drain(&mut self) {
        let owned = self.conduct.answering().len();
        tracing::info!(owned, "leaving; handing over");
        self.conduct.drain(Instant::now());
    }

    async fn retire(self) {
        let unclaimed = self.conduct.retire();
        if !unclaimed.is_empty() {
            tracing::warn!(
                ips = unclaimed.len(),
                "left IPs behind that nobody took over in time"
            );
            self.gossip.publish(unclaimed).await;
        }
        self.reporter.leave();
        self.wire.stop();
        self.gossip.stop().await;
        tracing::info!("left");
    }

    /// The peers, by address, that the API server knows of.
    fn peers(&self) -> BTreeSet<SocketAddr> {
        let addresses = self
            .pods
            .values()
            .map(|ip| SocketAddr::new(*ip, self.gossip_port));
        addresses.collect()
    }
}
