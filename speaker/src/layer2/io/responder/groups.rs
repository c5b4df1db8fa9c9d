//! The solicited-node groups of the owned IPs: joined on each wanted link, also
//! on those that come later, and left with the IP or the link. Owned by the
//! responder's thread; a thousand of them take several turns, so that answers
//! do not wait.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ferrolb_core::text::Chain;

use super::WireEvent;
use crate::layer2::io::socket::groups::{Joined, Membership};

/// Groups joined and left in one turn.
const TURN: usize = 32;
/// Gap between attempts to join what failed.
const RETRY: Duration = Duration::from_millis(250);

/// The wanted groups and what became of them.
#[derive(Debug, Default)]
pub(super) struct Groups {
    wanted: BTreeSet<Membership>,
    joined: Joined,
    failed: BTreeSet<Membership>,
    due: Option<Instant>,
}

impl Groups {
    /// Takes a new set of groups; `work` follows it.
    pub(super) fn want(&mut self, wanted: BTreeSet<Membership>, now: Instant) {
        if wanted != self.wanted {
            self.failed.retain(|failed| wanted.contains(failed));
            self.wanted = wanted;
            self.due = Some(now);
        }
    }

    /// When there is something to do.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Joins and leaves some of what is due.
    pub(super) fn work(&mut self, now: Instant) -> Vec<WireEvent> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.leave_some();
        let events: Vec<WireEvent> = self
            .next()
            .into_iter()
            .filter_map(|membership| self.join(membership))
            .collect();
        self.due = if self.untried().next().is_some() || self.unwanted().next().is_some() {
            Some(now)
        } else {
            (!self.failed.is_empty()).then(|| now + RETRY)
        };
        events
    }

    fn unwanted(&self) -> impl Iterator<Item = &Membership> {
        let joined = self.joined.iter();
        joined.filter(|membership| !self.wanted.contains(*membership))
    }

    fn untried(&self) -> impl Iterator<Item = &Membership> {
        let wanted = self.wanted.iter();
        let tried = |it: &Membership| self.joined.contains(it) || self.failed.contains(it);
        wanted.filter(move |membership| !tried(membership))
    }

    /// Some of what has not been tried; after that, all that failed.
    fn next(&self) -> Vec<Membership> {
        let some: Vec<Membership> = self.untried().take(TURN).copied().collect();
        if some.is_empty() {
            return self.failed.iter().copied().collect();
        }
        some
    }

    fn leave_some(&mut self) {
        let gone: Vec<Membership> = self.unwanted().take(TURN).copied().collect();
        for membership in gone {
            self.joined.leave(&membership);
        }
    }

    /// A failure is told once.
    fn join(&mut self, membership: Membership) -> Option<WireEvent> {
        match self.joined.join(membership) {
            Ok(()) => {
                self.failed.remove(&membership);
                None
            }
            Err(error) => self.failed.insert(membership).then(|| {
                let (link, group) = membership;
                let error = Chain(&error).to_string();
                WireEvent::GroupFailed { link, group, error }
            }),
        }
    }
}
