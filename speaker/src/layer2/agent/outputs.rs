//! Acting: the responder's table, frames on the wire, claims in gossip.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Agent, Note, Output};
use crate::layer2::election::{Action, Cause};
use crate::layer2::gossip_keys;
use crate::layer2::links::LanLink;
use crate::layer2::wire::frame::Frame;

impl Agent {
    pub(super) fn perform(&mut self, actions: Vec<Action>, now: Instant) {
        let changed = !actions.is_empty();
        self.note(Note::Decided);
        for action in actions {
            match &action {
                Action::Probe { ip, until } => self.prober.start(*ip, now, *until),
                Action::TakeOver { ip, from, .. } => {
                    let sign = from.as_deref().and_then(|from| self.last_sign(from));
                    self.announcer.start(*ip, sign.unwrap_or(now), now);
                }
                Action::Announce { ip } => self.announcer.start(*ip, now, now),
                Action::Withdraw { ip, .. } => self.announcer.stop(*ip),
                Action::Conflict { .. } => {}
            }
            self.note_action(action, now);
        }
        if changed {
            // Withdrawn IPs leave the table, and taken ones enter it, before
            // anything is announced.
            self.update_answering();
        }
    }

    pub(super) fn note_action(&mut self, action: Action, now: Instant) {
        let silence = self.silence(&action, now);
        self.note(Note::Action { action, silence });
    }

    /// For how long the lost owner had been silent.
    fn silence(&self, action: &Action, now: Instant) -> Option<Duration> {
        let Action::TakeOver {
            cause: Cause::Failover,
            from: Some(from),
            ..
        } = action
        else {
            return None;
        };
        let sign = self.last_sign(from)?;
        Some(now.saturating_duration_since(sign))
    }

    /// Hands the responder the table of IPs and links, if it changed.
    pub(super) fn update_answering(&mut self) {
        let answering: BTreeMap<IpAddr, BTreeSet<u32>> = self
            .election
            .answering()
            .filter_map(|ip| Some((ip, self.snapshot.links.get(&ip)?.clone())))
            .collect();
        if answering == self.answering {
            return;
        }
        let owned = answering.clone().into_iter().collect();
        self.outputs.push(Output::Answer(owned));
        self.answering = answering;
    }

    /// Puts the probes and announcements that are due on the wire.
    pub(super) fn ask_and_announce(&mut self, now: Instant) {
        for ip in self.prober.due(now) {
            self.send(ip, |link| vec![Frame::probe(ip, link.sender())]);
        }
        for ip in self.announcer.due(now) {
            if self.answering.contains_key(&ip) {
                self.send(ip, |link| Frame::announcements(ip, link.mac));
            }
        }
    }

    /// Sends frames on each of this node's links for an IP.
    fn send(&mut self, ip: IpAddr, frames: impl Fn(&LanLink) -> Vec<Frame>) {
        let allowed = self.snapshot.links.get(&ip);
        for link in &self.links {
            if allowed.is_some_and(|links| links.contains(&link.index)) {
                let frames = frames(link).into_iter();
                let frames = frames.map(|frame| Output::Send(link.index, frame));
                self.outputs.extend(frames);
            }
        }
    }

    /// Tells the others at once what this node has to say about IPs.
    pub(super) fn publish_claims(&mut self, now: Instant) {
        let said = gossip_keys::ip_keys(&self.election, now);
        let changes = gossip_keys::changes(&self.said, &said);
        if changes.is_empty() {
            return;
        }
        self.said = said;
        // Who inherits what depends on what this node holds.
        self.stale = true;
        self.publish(changes);
    }
}
