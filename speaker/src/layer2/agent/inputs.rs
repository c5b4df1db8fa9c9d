//! What is heard on the wire: answers, claims, and tests of others.

use std::time::Instant;

use super::{Agent, Note};
use crate::layer2::election::Action;
use crate::layer2::wire::frame::FrameKind;
use crate::layer2::wire::sightings::Sighting;

impl Agent {
    /// Somebody else spoke for an IP on the wire.
    pub fn observe(&mut self, seen: &Sighting) {
        if seen.kind == FrameKind::DadProbe {
            self.tested(seen);
            return;
        }
        self.witnessed(seen);
        let input = &self.snapshot.input;
        let asked = self.election.is_probing(seen.ip);
        let actions = self.election.claim_seen(seen.ip, seen.mac, input, seen.at);
        if asked && !self.election.is_probing(seen.ip) {
            self.prober.stop(seen.ip);
            self.note(Note::ProbeAnswered);
        }
        self.perform(actions, seen.at);
        self.publish_claims(seen.at);
    }

    /// Somebody tested whether it may have an IP of ours, and was refused by the
    /// responder. Speakers without a link-local address ask in the same form.
    fn tested(&mut self, seen: &Sighting) {
        let (ip, mac) = (seen.ip, seen.mac);
        let others = &self.snapshot.input.others;
        if !others.values().any(|other| other.macs.contains(&mac)) {
            self.note_action(Action::Conflict { ip, mac }, seen.at);
        }
    }

    /// Somebody said on the wire to have an address.
    fn witnessed(&mut self, seen: &Sighting) {
        if !self.is_answer(seen) {
            return;
        }
        if let Some(node) = self.stations.get(&seen.mac) {
            self.monitor.answered(node, seen.link, seen.ip, seen.at);
        }
    }

    /// Whether a frame answers a question of this node. Without a link-local
    /// address it asks for IPv6 in the form that is answered to everybody.
    fn is_answer(&self, seen: &Sighting) -> bool {
        let mut links = self.links.iter().filter(|it| it.index == seen.link);
        match seen.kind {
            FrameKind::Reply => true,
            FrameKind::Gratuitous => {
                seen.ip.is_ipv6() && links.any(|link| link.sender().link_local.is_none())
            }
            FrameKind::Request | FrameKind::DadProbe => false,
        }
    }

    /// The last sign of life of a lost owner, in gossip or on the wire.
    pub(super) fn last_sign(&self, node: &str) -> Option<Instant> {
        let gossip = self
            .view
            .members
            .get(node)
            .and_then(|member| member.silent_since);
        let wire = self.monitor.last_answer(node);
        gossip.into_iter().chain(wire).max()
    }
}
