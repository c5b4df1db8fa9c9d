//! How a speaker conducts itself: the order in which it looks, decides and acts,
//! from messages to effects. Pure: it has no socket, no channel, no clock and no
//! log. What it wants done it leaves behind as [`Output`]s, in the order in which
//! they are to be carried out; the engine does so on the real wire and in real
//! gossip, the simulation in its own, so that both run this very code.

mod hold_down;
mod inputs;
mod membership;
mod monitoring;
mod output;
mod outputs;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::eligibility::DesiredIp;
use crate::gossip::View;
use crate::layer2::announcer::Announcer;
use crate::layer2::election::{Election, Epoch, Timing};
use crate::layer2::gossip_keys::{self, IpKeys};
use crate::layer2::links::LanLink;
use crate::layer2::liveness::monitor::Monitor;
use crate::layer2::prober::Prober;
use crate::layer2::snapshot::{Snapshot, SnapshotSources, take_snapshot};
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;
use hold_down::HeldDownLinks;
pub use output::{Note, Output};

/// What stays the same for as long as a speaker runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This node.
    pub node: NodeName,
    /// The gossip interval.
    pub interval: Duration,
    /// How long a death goes unseen in gossip, as a rule.
    pub detection_time: Duration,
    /// The gap between announcements in quiet times.
    pub refresh: Option<Duration>,
    /// How long the wire is asked for an IP that nobody announced before.
    pub initial_probe: Duration,
}

/// What one speaker knows, owns and is about to do.
#[derive(Debug)]
pub struct Agent {
    node: NodeName,
    view: Arc<View>,
    /// The suitable links with carrier.
    linked: Vec<LanLink>,
    /// Those of them that are used.
    links: Vec<LanLink>,
    held_down: HeldDownLinks,
    snapshot: Snapshot,
    /// The survey may be out of date.
    stale: bool,
    /// The members to be seen before anything is taken; none before the API
    /// server's lists are in.
    peers: Option<BTreeSet<SocketAddr>>,
    settled: bool,

    election: Election,
    announcer: Announcer,
    prober: Prober,
    monitor: Monitor,
    /// The members' hardware addresses.
    stations: HashMap<Mac, NodeName>,
    /// What was last published about IPs.
    said: IpKeys,
    /// Whether this node last said that nobody answers it.
    said_isolated: bool,
    /// The table last given to the responder.
    answering: BTreeMap<IpAddr, BTreeSet<u32>>,

    started: Instant,
    last_turn: Instant,
    /// A gap between turns longer than this is a stall.
    stall_limit: Duration,
    /// How long the wire is asked before a doubted IP is answered for again.
    ask: Duration,
    draining_since: Option<Instant>,

    /// What is to be carried out, in this order.
    outputs: Vec<Output>,
}

impl Agent {
    /// A speaker that starts now and owns nothing yet.
    #[must_use]
    pub fn new(settings: Settings, now: Instant) -> Self {
        let timing = Timing::new(settings.interval, settings.initial_probe);
        Self {
            election: Election::new(settings.node.clone(), timing),
            announcer: Announcer::new(settings.refresh),
            prober: Prober::default(),
            monitor: Monitor::new(settings.interval),
            node: settings.node,
            view: Arc::default(),
            linked: Vec::new(),
            links: Vec::new(),
            held_down: HeldDownLinks::default(),
            snapshot: Snapshot::default(),
            stale: true,
            peers: None,
            settled: false,
            stations: HashMap::new(),
            said: IpKeys::new(),
            said_isolated: false,
            answering: BTreeMap::new(),
            started: now,
            last_turn: now,
            stall_limit: settings.detection_time / 2,
            ask: timing.probe_time,
            draining_since: None,
            outputs: vec![Output::Publish(vec![gossip_keys::starting(true)])],
        }
    }

    /// Gossip shows something new.
    pub fn view_changed(&mut self, view: Arc<View>) {
        self.view = view;
        self.stale = true;
    }

    /// What is wanted may be other than at the last turn.
    pub fn wanted_changed(&mut self) {
        self.stale = true;
    }

    /// Looks, decides, acts. Before anything else: was this process asleep?
    /// To be called after each message, and at the deadline. What is `wanted` is
    /// looked at only if something has changed.
    pub fn poll(&mut self, wanted: &BTreeMap<IpAddr, DesiredIp>, now: Instant) {
        if now - self.last_turn > self.stall_limit {
            self.stalled(now);
        }
        self.last_turn = now;
        self.settle(now);
        self.release_held_down(now);
        let news = self.refresh_facts(wanted, now) | self.look_at_wire(now);
        let due = self.election.next_timeout().is_some_and(|at| at <= now);
        if self.settled && (news || due) {
            let actions = self.election.step(&self.snapshot.input, now);
            self.perform(actions, now);
            self.publish_claims(now);
        }
        self.publish_isolation();
        self.ask_and_announce(now);
        self.send_probes(now);
        self.outputs.push(Output::Renew(now + self.stall_limit));
    }

    /// What is to be carried out, in this order: all since the last call.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// When the next turn is due at the latest.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        // The responder falls silent when it is not vouched for in time.
        let heartbeat = self.last_turn + self.stall_limit / 4;
        let deadlines = [
            self.election.next_timeout(),
            self.announcer.next_timeout(),
            self.prober.next_timeout(),
            self.monitor.next_timeout(),
        ];
        deadlines
            .into_iter()
            .flatten()
            .fold(heartbeat, Instant::min)
    }

    /// The IPs this node answers for, and on which links.
    #[must_use]
    pub fn answering(&self) -> &BTreeMap<IpAddr, BTreeSet<u32>> {
        &self.answering
    }

    /// The suitable links with carrier that are used.
    #[must_use]
    pub fn links(&self) -> &[LanLink] {
        &self.links
    }

    /// What ownership was last decided on.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The gossip members.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The IPs this node claims.
    pub fn claims(&self) -> impl Iterator<Item = (IpAddr, Epoch)> {
        self.election.claims()
    }

    /// The IPs this node would announce if no stranger held them, and the stranger.
    pub fn conflicts(&self) -> impl Iterator<Item = (IpAddr, Mac)> {
        self.election.conflicts()
    }

    /// Surveys the situation anew if anything has changed; true if so.
    fn refresh_facts(&mut self, wanted: &BTreeMap<IpAddr, DesiredIp>, now: Instant) -> bool {
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        let sources = SnapshotSources {
            own_links: &self.links,
            lost_links: &self.held_down.links(),
            wanted,
            answering: &self.answering,
            draining: self.draining_since.is_some(),
        };
        let wire = std::mem::take(&mut self.snapshot.input.wire);
        let isolated = self.snapshot.input.isolated;
        self.snapshot = take_snapshot(&self.node, &self.view, &sources);
        self.snapshot.input.wire = wire;
        self.snapshot.input.isolated = isolated;
        let others = self.snapshot.input.others.values();
        self.note(Note::SnapshotTaken {
            live: 1 + others.filter(|other| other.alive).count(),
            wanted: self.snapshot.input.candidates.len(),
        });
        self.plan_watch(now);
        self.update_answering();
        true
    }

    fn publish(&mut self, changes: Vec<gossip_keys::KeyChange>) {
        self.outputs.push(Output::Publish(changes));
    }

    fn note(&mut self, note: Note) {
        self.outputs.push(Output::Note(note));
    }
}
