//! Acting: the responder's table, frames on the wire, claims in gossip.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use super::Engine;
use crate::ownership::Action;
use crate::reach::LanLink;
use crate::said;
use crate::wire::frame::Frame;

impl Engine {
    pub(super) fn perform(&mut self, actions: Vec<Action>, now: Instant) {
        let changed = !actions.is_empty();
        self.reporter.stale();
        for action in &actions {
            self.note(action, now);
            match action {
                Action::Ask { ip, until } => self.asker.start(*ip, now, *until),
                Action::TakeOver { ip, from, .. } => {
                    let sign = from.as_deref().and_then(|from| self.last_sign(from));
                    self.announcer.start(*ip, sign.unwrap_or(now), now);
                }
                Action::Announce { ip } => self.announcer.start(*ip, now, now),
                Action::Withdraw { ip, .. } => self.announcer.stop(*ip),
                Action::Conflict { .. } => {}
            }
        }
        if changed {
            // Withdrawn IPs leave the table, and taken ones enter it, before
            // anything is announced.
            self.update_answering();
        }
    }

    /// Hands the responder the table of IPs and links, if it changed.
    pub(super) fn update_answering(&mut self) {
        let answering: BTreeMap<IpAddr, BTreeSet<u32>> = self
            .ownership
            .answering()
            .filter_map(|ip| Some((ip, self.survey.links.get(&ip)?.clone())))
            .collect();
        if answering == self.answering {
            return;
        }
        self.wire.set_owned(answering.clone().into_iter().collect());
        self.metrics
            .owned
            .set(i64::try_from(answering.len()).unwrap_or(i64::MAX));
        self.answering = answering;
    }

    /// Puts the questions and announcements that are due on the wire.
    pub(super) fn ask_and_announce(&mut self, now: Instant) {
        for ip in self.asker.due(now) {
            self.send(ip, |link| vec![Frame::probe(ip, link.sender())]);
        }
        for ip in self.announcer.due(now) {
            if self.answering.contains_key(&ip) {
                self.send(ip, |link| Frame::announcements(ip, link.mac));
            }
        }
    }

    /// Sends frames on each of this node's links for an IP.
    fn send(&self, ip: IpAddr, frames: impl Fn(&LanLink) -> Vec<Frame>) {
        let allowed = self.survey.links.get(&ip);
        for link in &self.links {
            if !allowed.is_some_and(|links| links.contains(&link.index)) {
                continue;
            }
            for frame in frames(link) {
                if let Err(error) = self.wire.send(link.index, &frame) {
                    tracing::debug!(%ip, link = link.name, %error, "cannot send");
                }
            }
        }
    }

    /// Tells the others at once what this node has to say about IPs.
    pub(super) async fn publish_claims(&mut self, now: Instant) {
        let said = said::about_ips(&self.ownership, now);
        let changes = said::changes(&self.said, &said);
        if changes.is_empty() {
            return;
        }
        self.said = said;
        // Who inherits what depends on what this node holds.
        self.stale = true;
        self.gossip.publish(changes).await;
    }
}
