//! The solicited-node groups of the owned IPs: joined on each link to listen on,
//! also on later ones, and left with the IP or the link. Owned by the responder's
//! thread; many groups take several batches, so that answers do not wait.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ferrolb_core::text::Chain;

use super::WireEvent;
use crate::layer2::io::socket::groups::{Joined, Membership};

/// Groups joined and left in one batch.
const BATCH: usize = 32;
/// Gap between attempts to join a group after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// The needed groups and their state.
#[derive(Debug, Default)]
pub(super) struct Groups {
    needed: BTreeSet<Membership>,
    joined: Joined,
    failed: BTreeSet<Membership>,
    due: Option<Instant>,
}

impl Groups {
    /// Sets the needed groups; `work` joins and leaves.
    pub(super) fn set(&mut self, needed: BTreeSet<Membership>, now: Instant) {
        if needed != self.needed {
            self.failed.retain(|failed| needed.contains(failed));
            self.needed = needed;
            self.due = Some(now);
        }
    }

    /// When there is work to do.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Joins and leaves some groups, if due.
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
        self.due = if self.untried().next().is_some() || self.unneeded().next().is_some() {
            Some(now)
        } else {
            (!self.failed.is_empty()).then(|| now + RETRY)
        };
        events
    }

    fn unneeded(&self) -> impl Iterator<Item = &Membership> {
        let joined = self.joined.iter();
        joined.filter(|membership| !self.needed.contains(*membership))
    }

    fn untried(&self) -> impl Iterator<Item = &Membership> {
        let needed = self.needed.iter();
        let tried = |it: &Membership| self.joined.contains(it) || self.failed.contains(it);
        needed.filter(move |membership| !tried(membership))
    }

    /// Some groups that have not been tried; after those, all that failed.
    fn next(&self) -> Vec<Membership> {
        let some: Vec<Membership> = self.untried().take(BATCH).copied().collect();
        if some.is_empty() {
            return self.failed.iter().copied().collect();
        }
        some
    }

    fn leave_some(&mut self) {
        let gone: Vec<Membership> = self.unneeded().take(BATCH).copied().collect();
        for membership in gone {
            self.joined.leave(&membership);
        }
    }

    /// A failure is reported once.
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
