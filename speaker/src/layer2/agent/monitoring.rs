//! Watching the others on the wire, by the monitor, and being heard there.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

use super::{Agent, Note, Output};
use crate::layer2::election::Reachability;
use crate::layer2::gossip_keys;
use crate::layer2::liveness::targets::choose_targets;
use crate::layer2::wire::frame::Frame;

impl Agent {
    /// Works out anew whom to watch, from facts that have just changed.
    pub(super) fn plan_watch(&mut self, now: Instant) {
        let watch = self.election.plan(&self.snapshot.input);
        let targets = choose_targets(&watch, &self.snapshot, &self.links);
        let wanted = self.snapshot.input.candidates.keys().copied();
        let watched: HashSet<IpAddr> = wanted.chain(targets.addresses()).collect();
        self.outputs.push(Output::Watch(watched));
        self.monitor.set(targets, now);
        let others = self.snapshot.input.others.iter();
        let stations = others.flat_map(|(node, other)| {
            let macs = other.macs.iter();
            macs.map(|mac| (*mac, node.clone()))
        });
        self.stations = stations.collect();
    }

    /// Takes what the monitor sees into the facts; true if that is news.
    pub(super) fn look_at_wire(&mut self, now: Instant) -> bool {
        let seen = self.monitor.reachability(now);
        let isolated = self.monitor.is_isolated(now);
        let input = &mut self.snapshot.input;
        if seen == input.wire && isolated == input.isolated {
            return false;
        }
        let before = |node| input.wire.get(node).copied().unwrap_or_default();
        let is_missed =
            |it: Reachability| matches!(it, Reachability::Probing | Reachability::Failed);
        for (node, reachability) in &seen {
            if is_missed(*reachability) && !is_missed(before(node)) {
                self.outputs
                    .push(Output::Note(Note::ProbeMissed(node.clone())));
            }
            if *reachability == Reachability::Failed && before(node) != Reachability::Failed {
                self.outputs
                    .push(Output::Note(Note::OwnerFailed(node.clone())));
            }
        }
        input.wire = seen;
        input.isolated = isolated;
        true
    }

    /// Puts the monitor's probes on the wire.
    pub(super) fn send_probes(&mut self, now: Instant) {
        for probe in self.monitor.due(now) {
            let mut links = self.links.iter();
            if let Some(link) = links.find(|link| link.index == probe.link) {
                let frame = Frame::probe_to(probe.ip, link.sender(), probe.mac);
                self.outputs.push(Output::Send(link.index, frame));
            }
        }
    }

    /// Tells the others whether anybody answers this node on the LAN.
    pub(super) fn publish_isolation(&mut self) {
        let isolated = self.snapshot.input.isolated;
        if isolated == self.said_isolated {
            return;
        }
        self.said_isolated = isolated;
        self.note(Note::Isolated(isolated));
        self.publish(vec![gossip_keys::isolated(isolated)]);
    }
}
