//! The agent: everything that one speaker decides, from messages to outputs. Pure:
//! it has no socket, channel, clock or log. It leaves behind [`Output`]s in the order
//! in which they must be carried out; that order is part of the protocol. The engine
//! carries them out on the LAN and in gossip, the simulation in its own networks, so
//! that both run this code.
//!
//! The parts own their fields: `inputs` what others reported, `membership` the time
//! from start to leaving, `links` and `hold_down` this node's links, `monitoring` the
//! owners that it watches, `transmissions` its probes and announcements, `published`
//! what others know of it, `stall` its own health. This file joins them.

mod hold_down;
mod inputs;
mod links;
mod membership;
mod monitoring;
mod output;
mod published;
mod stall;
#[cfg(test)]
mod tests;
mod transmissions;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_core::key::NodeName;

use crate::eligibility::DesiredIps;
use crate::gossip::View;
use crate::layer2::election::{Action, Cause, Election, ElectionView, Timing};
use crate::layer2::gossip_keys::{self, KeyChange};
use crate::layer2::links::LanLink;
use crate::layer2::snapshot::{Snapshot, SnapshotSources, take_snapshot};
use crate::layer2::wire::frame::FrameKind;
use crate::layer2::wire::sightings::Sighting;
use inputs::Inputs;
use links::OwnLinks;
use membership::Membership;
use monitoring::Monitoring;
use output::Outputs;
pub use output::{Note, Output};
use published::Published;
use stall::StallDetector;
use transmissions::{Routes, Transmissions};

/// Settings that do not change while a speaker runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This node.
    pub node: NodeName,
    /// The gossip interval.
    pub interval: Duration,
    /// How long gossip usually takes to detect a dead member.
    pub detection_time: Duration,
    /// The gap between announcements when nothing changes.
    pub refresh: Option<Duration>,
    /// For how long an IP that no node announced before is probed.
    pub initial_probe: Duration,
}

/// The state of one speaker, and the outputs that follow from it.
#[derive(Debug)]
pub struct Agent {
    node: NodeName,
    inputs: Inputs,
    snapshot: Snapshot,
    membership: Membership,
    links: OwnLinks,
    election: Election,
    monitoring: Monitoring,
    transmissions: Transmissions,
    published: Published,
    stall: StallDetector,
    outputs: Outputs,
}

impl Agent {
    /// A speaker that starts now and owns nothing yet.
    #[must_use]
    pub fn new(settings: Settings, now: Instant) -> Self {
        let timing = Timing::new(settings.interval, settings.initial_probe);
        let mut outputs = Outputs::default();
        outputs.publish(vec![gossip_keys::starting(true)]);
        Self {
            inputs: Inputs::default(),
            snapshot: Snapshot::default(),
            membership: Membership::new(now),
            links: OwnLinks::default(),
            election: Election::new(settings.node.clone(), timing),
            monitoring: Monitoring::new(settings.interval),
            transmissions: Transmissions::new(settings.refresh),
            published: Published::default(),
            stall: StallDetector::new(settings.detection_time / 2, now),
            node: settings.node,
            outputs,
        }
    }

    /// Decides on everything that changed. To be called after each message, and at
    /// [`next_timeout`](Self::next_timeout).
    pub fn poll(&mut self, now: Instant) {
        if let Some(gap) = self.stall.poll(now) {
            let mute = self.stall.mute_part(gap);
            self.verify(now, |probing| Note::Stalled {
                gap,
                mute: mute + probing,
            });
        }
        let (inputs, outputs) = (&self.inputs, &mut self.outputs);
        let settled = self.membership.settle(&inputs.view, now, outputs);
        if self.links.release(|| inputs.live_addresses(), now, outputs) || settled {
            self.inputs.invalidate();
        }
        if let Some(actions) = self.decide(now) {
            self.apply(actions, now);
        }
        let isolated = self.monitoring.lan().isolated;
        self.published.isolated(isolated, &mut self.outputs);
        self.send_due(now);
        let renewed = Output::Renew(self.stall.renewed_until());
        self.outputs.push(renewed);
    }

    /// The outputs since the last call, in the order in which they must be carried out.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        self.outputs.take()
    }

    /// When to poll at the latest.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        let timeouts = [
            self.election.next_timeout(),
            self.transmissions.next_timeout(),
            self.monitoring.next_timeout(),
        ];
        let timeouts = timeouts.into_iter().flatten();
        timeouts.fold(self.stall.next_timeout(), Instant::min)
    }

    /// The gossip view changed.
    pub fn view_changed(&mut self, view: Arc<View>) {
        self.inputs.set_view(view);
    }

    /// These IPs are to be announced, by these nodes.
    pub fn set_desired(&mut self, desired: Arc<DesiredIps>) {
        self.inputs.set_desired(desired);
    }

    /// These are the suitable links with carrier.
    pub fn links_changed(&mut self, links: Vec<LanLink>, now: Instant) {
        let members = self.inputs.live_addresses();
        if self.links.update(links, &members, now, &mut self.outputs) {
            self.inputs.invalidate();
        }
    }

    /// A link lost its carrier and has it again; the loss was not noticed in between,
    /// so another node may have taken over.
    pub fn carrier_flapped(&mut self, now: Instant) {
        self.verify(now, |mute| Note::CarrierFlapped { mute });
    }

    /// Another host claimed an IP on the LAN.
    pub fn observe(&mut self, seen: &Sighting) {
        let (ip, mac, now) = (seen.ip, seen.mac, seen.at);
        let input = &self.snapshot.input;
        if seen.kind == FrameKind::DadProbe {
            // The responder defended the IP. A speaker without a link-local address
            // sends its probes in the same form.
            if !input.is_member(mac) {
                let action = Action::Conflict { ip, mac };
                let silence = None;
                self.outputs.note(Note::Action { action, silence });
            }
            return;
        }
        self.monitoring.observe(seen, self.links.in_use());
        let was_probing = self.election.is_probing(ip);
        let actions = self.election.claim_seen(ip, mac, input, now);
        if was_probing && !self.election.is_probing(ip) {
            self.transmissions.stop_probing(ip);
            self.outputs.note(Note::ProbeAnswered);
        }
        self.apply(actions, now);
    }

    /// The API server's lists are complete, and contain these peers.
    pub fn expect_peers(&mut self, peers: BTreeSet<SocketAddr>) {
        self.membership.expect_peers(peers);
    }

    /// Whether this speaker knows enough to own IPs: the API server's lists are
    /// complete, and it sees its peers or has waited long enough for them.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.membership.is_settled()
    }

    /// Begins to leave: the others take over while this node still answers.
    pub fn drain(&mut self, now: Instant) {
        self.membership.drain(now);
        self.inputs.invalidate();
        self.outputs.publish(vec![gossip_keys::draining()]);
    }

    /// Whether this speaker is leaving.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.membership.is_draining()
    }

    /// Whether its IPs have been handed over, or it has waited long enough.
    #[must_use]
    pub fn has_left(&self, now: Instant) -> bool {
        self.membership.has_left(self.published.is_empty(), now)
    }

    /// The last keys to publish when leaving: claims that no node took over.
    #[must_use]
    pub fn retire(&self) -> Vec<KeyChange> {
        self.published.retraction()
    }

    /// The IPs this node answers for, and on which links.
    #[must_use]
    pub fn answering(&self) -> &BTreeMap<IpAddr, BTreeSet<u32>> {
        self.published.answering()
    }

    /// The links on which this node announces.
    #[must_use]
    pub fn links(&self) -> &[LanLink] {
        self.links.in_use()
    }

    /// The last snapshot, on which the election decided.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The gossip members.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.inputs.view
    }

    /// The election, to read claims and conflicts from.
    #[must_use]
    pub fn election(&self) -> &Election {
        &self.election
    }
}

/// The order of work within a poll.
impl Agent {
    /// Takes a snapshot if anything changed, and lets the election run if the snapshot
    /// or the LAN changed, or one of its timeouts passed.
    fn decide(&mut self, now: Instant) -> Option<Vec<Action>> {
        let changed = self.inputs.take_changed();
        if changed {
            self.take_snapshot();
        }
        let input = &self.snapshot.input;
        let lan = self.monitoring.lan();
        // Counted only for a new view: most polls need none.
        let own_claims = |election: &Election| election.claims().count();
        let mut view =
            changed.then(|| ElectionView::new(&self.node, input, lan, own_claims(&self.election)));
        if let Some(view) = &view {
            let owners = self.election.plan(view);
            let (links, outputs) = (self.links.in_use(), &mut self.outputs);
            let monitoring = &mut self.monitoring;
            monitoring.monitor(&owners, &self.snapshot, links, now, outputs);
            let answering = self.snapshot.answered_on(self.election.answering());
            self.published.answer(answering, outputs);
        }
        let lan_changed = self.monitoring.update(now, &mut self.outputs);
        let due = self.election.next_timeout().is_some_and(|at| at <= now);
        if !self.membership.is_settled() || !(changed || lan_changed || due) {
            return None;
        }
        let lan = self.monitoring.lan();
        match &mut view {
            Some(view) if lan_changed => view.set_lan(lan),
            Some(_) => {}
            none => {
                let own_claims = own_claims(&self.election);
                *none = Some(ElectionView::new(&self.node, input, lan, own_claims));
            }
        }
        view.map(|mut view| self.election.step(&mut view, now))
    }

    fn take_snapshot(&mut self) {
        let sources = SnapshotSources {
            own_links: self.links.in_use(),
            held_down_links: &self.links.held_down(),
            desired: &self.inputs.desired,
            answering: self.published.answering(),
            draining: self.membership.is_draining(),
        };
        self.snapshot = take_snapshot(&self.node, &self.inputs.view, &sources);
        let others = self.snapshot.input.others.values();
        self.outputs.note(Note::SnapshotTaken {
            live: 1 + others.filter(|other| other.alive).count(),
            desired: self.snapshot.input.candidates.len(),
        });
    }

    /// Starts what follows from the election's actions: first the responder's table, then
    /// the claims in gossip; frames follow when they are due.
    fn apply(&mut self, actions: Vec<Action>, now: Instant) {
        let changed = !actions.is_empty();
        self.outputs.note(Note::Decided);
        for action in actions {
            let last_sign = last_sign(&action, &self.inputs.view, &self.monitoring);
            self.transmissions.apply(&action, last_sign, now);
            let silence = last_sign.filter(|_| is_failover(&action));
            let silence = silence.map(|sign| now.saturating_duration_since(sign));
            self.outputs.note(Note::Action { action, silence });
        }
        if changed {
            // Withdrawn IPs leave the responder's table, and new ones enter it,
            // before anything is announced.
            let answering = self.snapshot.answered_on(self.election.answering());
            self.published.answer(answering, &mut self.outputs);
        }
        let keys = gossip_keys::ip_keys(&self.election, now);
        if self.published.ip_keys(keys, &mut self.outputs) {
            // The successors depend on the number of IPs that this node holds.
            self.inputs.invalidate();
        }
    }

    /// Stops answering until probes show no other owner.
    fn verify(&mut self, now: Instant, note: impl FnOnce(Duration) -> Note) {
        self.monitoring.forget();
        let probing = self.election.probe_time();
        let actions = self.election.verify(now);
        let mute = if actions.is_empty() {
            Duration::ZERO
        } else {
            probing
        };
        self.outputs.note(note(mute));
        self.apply(actions, now);
    }

    fn send_due(&mut self, now: Instant) {
        let routes = Routes {
            links: self.links.in_use(),
            links_of: &self.snapshot.links,
        };
        let (answering, outputs) = (self.published.answering(), &mut self.outputs);
        self.transmissions
            .send_due(&routes, answering, now, outputs);
        self.monitoring.send_due(self.links.in_use(), now, outputs);
    }
}

fn is_failover(action: &Action) -> bool {
    matches!(
        action,
        Action::TakeOver {
            cause: Cause::Failover,
            ..
        }
    )
}

/// When the previous owner of an IP that is taken over was last heard, in gossip or on
/// the LAN.
fn last_sign(action: &Action, view: &View, monitoring: &Monitoring) -> Option<Instant> {
    let Action::TakeOver {
        from: Some(from), ..
    } = action
    else {
        return None;
    };
    let gossip = view
        .members
        .get(from)
        .and_then(|member| member.silent_since);
    let answer = monitoring.last_answer(from);
    gossip.into_iter().chain(answer).max()
}
