//! The monitor, fed with the answers received on the LAN; its probes become frames.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

use super::output::{Note, Output, Outputs};
use crate::layer2::election::{LanState, Reachability};
use crate::layer2::links::LanLink;
use crate::layer2::liveness::monitor::Monitor;
use crate::layer2::liveness::targets::{IpsByOwner, choose_targets};
use crate::layer2::snapshot::Snapshot;
use crate::layer2::wire::frame::{Frame, FrameKind};
use crate::layer2::wire::sightings::Sighting;

/// The monitored owners, and the result.
#[derive(Debug)]
pub(super) struct Monitoring {
    monitor: Monitor,
    lan: LanState,
    /// The members by their hardware addresses.
    node_of: HashMap<Mac, NodeName>,
}

impl Monitoring {
    /// Probes every `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            monitor: Monitor::new(interval),
            lan: LanState::default(),
            node_of: HashMap::new(),
        }
    }

    /// Monitors these owners from now on, where the snapshot shows them.
    pub(super) fn monitor(
        &mut self,
        owners: &IpsByOwner,
        snapshot: &Snapshot,
        links: &[LanLink],
        now: Instant,
        outputs: &mut Outputs,
    ) {
        let targets = choose_targets(owners, snapshot, links);
        let desired = snapshot.input.candidates.keys().copied();
        let watched: HashSet<IpAddr> = desired.chain(targets.addresses()).collect();
        outputs.push(Output::Watch(watched));
        self.monitor.set(targets, now);
        let others = snapshot.input.others.iter();
        let macs =
            others.flat_map(|(node, other)| other.macs.iter().map(|mac| (*mac, node.clone())));
        self.node_of = macs.collect();
    }

    /// Updates the state of the LAN; true if it changed.
    pub(super) fn update(&mut self, now: Instant, outputs: &mut Outputs) -> bool {
        let lan = LanState {
            reachability: self.monitor.reachability(now),
            isolated: self.monitor.is_isolated(now),
        };
        if lan == self.lan {
            return false;
        }
        let before = std::mem::replace(&mut self.lan, lan);
        note_changes(&before.reachability, &self.lan.reachability, outputs);
        true
    }

    /// The state of the LAN at the last update.
    pub(super) fn lan(&self) -> &LanState {
        &self.lan
    }

    /// Another host claimed an IP; an answer of a member shows that it is alive.
    pub(super) fn observe(&mut self, seen: &Sighting, links: &[LanLink]) {
        if !is_answer(seen, links) {
            return;
        }
        if let Some(node) = self.node_of.get(&seen.mac) {
            self.monitor.answered(node, seen.link, seen.ip, seen.at);
        }
    }

    pub(super) fn last_answer(&self, node: &str) -> Option<Instant> {
        self.monitor.last_answer(node)
    }

    /// This node may have missed answers: unanswered probes do not count.
    pub(super) fn forget(&mut self) {
        self.monitor.forget();
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.monitor.next_timeout()
    }

    /// Sends the probes that are due.
    pub(super) fn send_due(&mut self, links: &[LanLink], now: Instant, outputs: &mut Outputs) {
        for probe in self.monitor.due(now) {
            let mut links = links.iter();
            if let Some(link) = links.find(|link| link.index == probe.link) {
                let frame = Frame::probe_to(probe.ip, link.sender(), probe.mac);
                outputs.push(Output::Send(link.index, frame));
            }
        }
    }
}

/// Whether a frame answers a probe of this node. Without a link-local address this
/// node probes for IPv6 in the form that is answered to all nodes.
fn is_answer(seen: &Sighting, links: &[LanLink]) -> bool {
    let mut links = links.iter().filter(|link| link.index == seen.link);
    match seen.kind {
        FrameKind::Reply => true,
        FrameKind::Gratuitous => {
            seen.ip.is_ipv6() && links.any(|link| link.sender().link_local.is_none())
        }
        FrameKind::Request | FrameKind::DadProbe => false,
    }
}

fn note_changes(
    before: &BTreeMap<NodeName, Reachability>,
    now: &BTreeMap<NodeName, Reachability>,
    outputs: &mut Outputs,
) {
    let misses = |it: Reachability| matches!(it, Reachability::Probing | Reachability::Failed);
    for (node, now) in now {
        let before = before.get(node).copied().unwrap_or_default();
        if misses(*now) && !misses(before) {
            outputs.note(Note::ProbeMissed(node.clone()));
        }
        if *now == Reachability::Failed && before != Reachability::Failed {
            outputs.note(Note::OwnerFailed(node.clone()));
        }
    }
}
