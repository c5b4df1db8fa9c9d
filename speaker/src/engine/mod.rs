//! The one task that owns the speaker's state. Everything reaches it as a message;
//! each message, or a deadline, leads to one turn. The agent, which is pure,
//! decides what is done and in which order; here are the channels and the clock.

mod cluster;
mod inputs;
mod local_links;
mod outputs;
mod parts;
mod recorder;
mod report;
mod state;

use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use self::cluster::ClusterState;
use self::local_links::LocalLinks;
pub use self::parts::{Guards, Inputs, Parts};
use self::recorder::Recorder;
use self::report::ReportSources;
pub use self::report::Reporter;
use self::state::StateCache;
use crate::gossip::Gossip;
use crate::layer2::agent::{Agent, Settings};
use crate::layer2::io::responder::Wire;

/// A part that the engine needs stopped by itself. It is better to exit and be
/// restarted than to answer for IPs without knowing the other owners.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The interfaces are no longer watched.
    #[error("the interfaces are no longer watched")]
    LinksLost,
    /// Gossip ended.
    #[error("gossip ended unexpectedly")]
    GossipLost,
    /// The responder's thread ended.
    #[error("the responder thread ended unexpectedly")]
    WireLost,
}

/// The engine: the agent, the parts that feed it, and those that carry out what
/// it decides.
pub struct Engine {
    agent: Agent,
    cluster: ClusterState,
    links: LocalLinks,
    gossip: Gossip,
    wire: Wire,
    recorder: Recorder,
    reporter: Reporter,
    guards: Guards,
    state: StateCache,
}

impl Engine {
    /// An engine that does not own anything yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let settings = Settings {
            node: parts.node,
            interval: parts.gossip.interval(),
            detection_time: parts.gossip.detection_time(),
            refresh: parts.refresh,
            initial_probe: parts.initial_probe,
        };
        Self {
            agent: Agent::new(settings, Instant::now()),
            cluster: ClusterState::new(parts.node_filter, parts.gossip_port),
            links: LocalLinks::new(parts.exclude),
            gossip: parts.gossip,
            wire: parts.wire,
            recorder: Recorder::new(parts.metrics),
            reporter: parts.reporter,
            guards: parts.guards,
            state: StateCache::default(),
        }
    }

    /// Runs until `leave` fires and the IPs are handed over.
    ///
    /// # Errors
    /// When gossip, the responder or the watch of the links ends by itself.
    pub async fn run(
        mut self,
        mut inputs: Inputs,
        leave: CancellationToken,
    ) -> Result<(), EngineError> {
        self.carry_out(Instant::now()).await;
        while !self.agent.has_left(Instant::now()) {
            self.next_input(&mut inputs, &leave).await?;
            self.turn(Instant::now()).await;
        }
        self.retire().await;
        Ok(())
    }

    /// Waits for a message or a deadline, and handles everything that has arrived.
    async fn next_input(
        &mut self,
        inputs: &mut Inputs,
        leave: &CancellationToken,
    ) -> Result<(), EngineError> {
        let deadline = tokio::time::Instant::from_std(self.agent.next_timeout());
        let leaving = self.agent.is_leaving();
        tokio::select! {
            () = leave.cancelled(), if !leaving => self.leave(),
            changed = inputs.links.changed() => {
                changed.map_err(|_| EngineError::LinksLost)?;
                let links = inputs.links.borrow_and_update().clone();
                self.links_changed(&links).await;
            }
            changed = inputs.view.changed() => {
                changed.map_err(|_| EngineError::GossipLost)?;
                let view = inputs.view.borrow_and_update().clone();
                self.agent.view_changed(view);
            }
            event = inputs.wire_events.recv() => {
                self.wire_event(event.ok_or(EngineError::WireLost)?).await;
            }
            Some(update) = inputs.updates.recv() => {
                self.updated(update);
                while let Ok(update) = inputs.updates.try_recv() {
                    self.updated(update);
                }
            }
            Some(request) = inputs.state_requests.recv() => self.answer_state(request),
            () = tokio::time::sleep_until(deadline) => {}
        }
        // All received frames are considered before an owner is judged by them.
        while let Ok(event) = inputs.wire_events.try_recv() {
            self.wire_event(event).await;
        }
        Ok(())
    }

    /// One turn of the agent; reports to the cluster last.
    async fn turn(&mut self, now: Instant) {
        if !self.agent.is_settled() && self.cluster.is_synced() {
            self.agent.expect_peers(self.cluster.peers());
        }
        let desired = self.cluster.eligibility.desired();
        self.agent.set_desired(Arc::clone(desired));
        self.agent.poll(now);
        self.carry_out(now).await;
        self.reporter.report(
            &ReportSources {
                cluster: &self.cluster,
                agent: &self.agent,
                links: &self.links,
                metrics: &self.recorder.metrics,
            },
            now,
        );
    }

    fn leave(&mut self) {
        let owned = self.agent.answering().len();
        tracing::info!(owned, "shutting down; handing over IPs");
        self.agent.drain(Instant::now());
    }

    async fn retire(self) {
        let unclaimed = self.agent.retire();
        if !unclaimed.is_empty() {
            tracing::warn!(
                ips = unclaimed.len(),
                "shut down although no other node took over these IPs in time"
            );
            self.gossip.publish(unclaimed).await;
        }
        self.reporter.leave();
        self.wire.stop();
        self.gossip.stop().await;
        tracing::info!("left the gossip cluster");
    }
}
