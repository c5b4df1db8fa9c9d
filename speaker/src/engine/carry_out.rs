//! Carrying out: what was decided goes to gossip, to the responder and onto the
//! wire, in the order in which it was decided.

use std::time::Instant;

use super::Engine;
use crate::layer2::agent::Effect;
use crate::layer2::wire::frame::Frame;

impl Engine {
    /// Carries out all that was decided by `now`.
    pub(super) async fn carry_out(&mut self, now: Instant) {
        for effect in self.conduct.take_effects() {
            match effect {
                Effect::Publish(changes) => self.gossip.publish(changes).await,
                Effect::Answer(owned) => {
                    self.metrics.owned.set(gauge(owned.len()));
                    self.wire.set_owned(owned);
                }
                Effect::Watch(ips) => self.wire.set_watched(ips),
                Effect::Send(link, frame) => self.send(link, &frame),
                Effect::Vouch(until) => self.wire.renew(until),
                Effect::Note(note) => self.tell(note, now),
            }
        }
    }

    fn send(&self, index: u32, frame: &Frame) {
        if let Err(error) = self.wire.send(index, frame) {
            let links = self.conduct.links().iter();
            let mut names = links.filter(|it| it.index == index).map(|it| &it.name);
            tracing::debug!(link = names.next(), %error, "cannot send");
        }
    }
}

pub(super) fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
