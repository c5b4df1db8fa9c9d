//! Outputs of the agent: keys go to gossip, tables and frames to the responder,
//! notes to log, metrics and report, in the order in which they were decided.

use std::net::IpAddr;
use std::time::Instant;

use super::Engine;
use super::recorder::gauge;
use crate::layer2::agent::{Note, Output};
use crate::layer2::wire::frame::Frame;

impl Engine {
    /// Carries out everything that was decided by `now`.
    pub(super) async fn carry_out(&mut self, now: Instant) {
        for output in self.agent.take_outputs() {
            match output {
                Output::Publish(changes) => self.gossip.publish(changes).await,
                Output::Answer(owned) => {
                    self.recorder.metrics.owned.set(gauge(owned.len()));
                    self.wire.set_owned(owned);
                }
                Output::Watch(ips) => self.wire.set_watched(ips),
                Output::Send(link, frame) => self.send(link, &frame),
                Output::Renew(until) => self.wire.renew(until),
                Output::Note(note) => self.note(&note, now),
            }
        }
    }

    fn send(&self, index: u32, frame: &Frame) {
        if let Err(error) = self.wire.send(index, frame) {
            let error = ferrolb_core::text::Chain(&error);
            tracing::debug!(link = self.link_name(index), %error, "cannot send frame");
        }
    }

    /// The name of a link to announce on.
    pub(super) fn link_name(&self, index: u32) -> Option<&str> {
        let mut links = self.links.suitable().iter();
        let link = links.find(|link| link.index == index)?;
        Some(&link.name)
    }

    fn note(&mut self, note: &Note, now: Instant) {
        match note {
            Note::Action { action, silence } => {
                let services = |ip: IpAddr| self.cluster.services_of(ip).join(",");
                if self.recorder.action(action, *silence, services, now) {
                    self.reporter.action(action);
                }
                return;
            }
            Note::Decided | Note::SnapshotTaken { .. } => self.reporter.mark_stale(),
            Note::Settled { .. } => self.guards.joined = None,
            _ => {}
        }
        self.recorder.note(note);
    }
}
