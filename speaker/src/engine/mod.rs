//! The one task that owns what this speaker knows and owns. Everything reaches
//! it as a message; each message, or a deadline, leads to one turn: look, decide
//! (in the pure modules), act.

mod inputs;
mod lookout;
mod perform;
mod report;
mod tell;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_runtime::ready::Guard;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::announcer::Announcer;
use crate::asker::Asker;
use crate::demand::{Demand, ObjectKey, Rules};
use crate::facts::{Ground, Survey, survey};
use crate::gossip::{Gossip, View};
use crate::interfaces::{Links, Patterns};
use crate::k8s::Update;
use crate::metrics::SpeakerMetrics;
use crate::net::responder::{Wire, WireEvent};
use crate::ownership::{Node, Ownership, Timing};
use crate::reach::LanLink;
use crate::said::{self, AboutIps};
use crate::watchman::Watchman;
use crate::wire::mac::Mac;
use inputs::Synced;
pub use report::Reporter;

/// A leaving speaker waits so long for its heirs.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

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
    pub node: Node,
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
    pub rules: Rules,
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
    node: Node,
    gossip_port: u16,
    gossip: Gossip,
    wire: Wire,
    exclude: Patterns,
    metrics: SpeakerMetrics,
    reporter: Reporter,
    joined: Option<Guard>,
    listening: Option<Guard>,
    configured: Option<Guard>,

    demand: Demand,
    pods: BTreeMap<ObjectKey, IpAddr>,
    view: Arc<View>,
    links: Vec<LanLink>,
    survey: Survey,
    stale: bool,
    synced: Synced,

    ownership: Ownership,
    announcer: Announcer,
    asker: Asker,
    watchman: Watchman,
    /// The members' hardware addresses.
    stations: HashMap<Mac, Node>,
    /// What was last published about IPs.
    said: AboutIps,
    /// Whether this node last said that nobody answers it.
    said_isolated: bool,
    /// The table last given to the responder.
    answering: BTreeMap<IpAddr, BTreeSet<u32>>,
    /// When a conflict on an IP was last logged.
    complained: BTreeMap<IpAddr, Instant>,

    started: Instant,
    last_turn: Instant,
    /// A gap between turns longer than this is a stall.
    stall_limit: Duration,
    draining_since: Option<Instant>,
}

impl Engine {
    /// An engine that owns nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let now = Instant::now();
        let stall_limit = parts.gossip.detection_time() / 2;
        let interval = parts.gossip.interval();
        let timing = Timing::new(interval, parts.probe_fresh);
        Self {
            ownership: Ownership::new(parts.node.clone(), timing),
            watchman: Watchman::new(interval),
            stations: HashMap::new(),
            said_isolated: false,
            announcer: Announcer::new(parts.refresh),
            asker: Asker::default(),
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
            demand: Demand::new(parts.rules),
            pods: BTreeMap::new(),
            view: Arc::default(),
            links: Vec::new(),
            survey: Survey::default(),
            stale: true,
            synced: Synced::default(),
            said: AboutIps::new(),
            answering: BTreeMap::new(),
            complained: BTreeMap::new(),
            started: now,
            last_turn: now,
            stall_limit,
            draining_since: None,
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
        self.gossip.publish(vec![said::starting(true)]).await;
        while !self.has_left(Instant::now()) {
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
        let deadline = tokio::time::Instant::from_std(self.next_deadline());
        let leaving = self.draining_since.is_some();
        tokio::select! {
            () = leave.cancelled(), if !leaving => self.drain().await,
            changed = inputs.links.changed() => {
                changed.map_err(|_| EngineError::LinksLost)?;
                let links = inputs.links.borrow_and_update().clone();
                self.links_changed(&links).await;
            }
            changed = inputs.view.changed() => {
                changed.map_err(|_| EngineError::GossipLost)?;
                self.view = inputs.view.borrow_and_update().clone();
                self.stale = true;
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

    /// Looks, decides, acts. Before anything else: was this process asleep?
    async fn turn(&mut self, now: Instant) {
        if now - self.last_turn > self.stall_limit {
            self.stalled(now).await;
        }
        self.last_turn = now;
        let settled = self.is_settled(now).await;
        let news = self.refresh_facts(now) | self.look_at_wire(now);
        let due = self.ownership.next_deadline().is_some_and(|at| at <= now);
        if settled && (news || due) {
            let actions = self.ownership.step(&self.survey.facts, now);
            self.perform(actions, now);
            self.publish_claims(now).await;
        }
        self.publish_isolation().await;
        self.ask_and_announce(now);
        self.ask_stations(now);
        self.wire.vouch(now + self.stall_limit);
        self.report(now);
    }

    async fn stalled(&mut self, now: Instant) {
        let gap = now - self.last_turn;
        tracing::warn!(
            stood_still_ms = gap.as_millis(),
            "this process stood still; mute until the wire says that nobody took over"
        );
        self.metrics.stalls.inc();
        self.metrics
            .mute
            .inc_by((gap - self.stall_limit).as_secs_f64());
        self.watchman.forget();
        let actions = self.ownership.doubt(now);
        self.perform(actions, now);
    }

    /// Surveys the situation anew if anything has changed; true if so.
    fn refresh_facts(&mut self, now: Instant) -> bool {
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        let ground = Ground {
            own_links: &self.links,
            wanted: self.demand.wanted(),
            answering: &self.answering,
            draining: self.draining_since.is_some(),
        };
        let wire = std::mem::take(&mut self.survey.facts.wire);
        let isolated = self.survey.facts.isolated;
        self.survey = survey(&self.node, &self.view, &ground);
        self.survey.facts.wire = wire;
        self.survey.facts.isolated = isolated;
        let others = self.survey.facts.others.values();
        let live = 1 + others.filter(|other| other.alive).count();
        self.metrics
            .members
            .set(i64::try_from(live).unwrap_or(i64::MAX));
        let wanted = self.survey.facts.candidates.len();
        self.metrics
            .wanted
            .set(i64::try_from(wanted).unwrap_or(i64::MAX));
        self.plan_watch(now);
        self.reporter.stale();
        self.update_answering();
        true
    }

    fn next_deadline(&self) -> Instant {
        // The responder falls silent when it is not vouched for in time.
        let heartbeat = self.last_turn + self.stall_limit / 4;
        let deadlines = [
            self.ownership.next_deadline(),
            self.announcer.next_deadline(),
            self.asker.next_deadline(),
            self.watchman.next_deadline(),
        ];
        deadlines
            .into_iter()
            .flatten()
            .fold(heartbeat, Instant::min)
    }

    /// Begins to leave: the others see it and take over while this node answers.
    async fn drain(&mut self) {
        tracing::info!(owned = self.answering.len(), "leaving; handing over");
        self.draining_since = Some(Instant::now());
        self.stale = true;
        self.gossip.publish(vec![said::draining()]).await;
    }

    fn has_left(&self, now: Instant) -> bool {
        self.draining_since
            .is_some_and(|since| self.said.is_empty() || now - since > DRAIN_LIMIT)
    }

    async fn retire(self) {
        let unclaimed = said::changes(&self.said, &AboutIps::new());
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
