//! Which replica may write: one holder of a Lease at a time. Pure; time is passed in,
//! requests are made in `k8s::lease`.
//!
//! Clocks of different processes are never compared. A follower takes the lease
//! when it has seen the same version of it for the whole duration. The
//! holder counts from the moment it *sent* its last successful renewal and
//! stops after two thirds of the duration. So between the last request of the
//! old holder and the first of the new one lies a third of the duration, for
//! requests in flight.

use std::time::{Duration, Instant};

/// Timeouts and intervals, all derived from the lease's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// After this long without a renewal another replica may acquire the lease.
    pub duration: Duration,
}

impl Timing {
    /// Time between renewals by the holder.
    #[must_use]
    pub fn renew_interval(self) -> Duration {
        self.duration / 3
    }

    /// Time after the last renewal at which the holder stops writing.
    #[must_use]
    pub fn renew_deadline(self) -> Duration {
        self.duration * 2 / 3
    }

    /// Time between two reads by a follower, and between attempts after a failure;
    /// never long, because a released lease can be acquired at once.
    #[must_use]
    pub fn retry_period(self) -> Duration {
        self.request_timeout().min(Duration::from_secs(1))
    }

    /// The longest wait for an answer; short enough for a second attempt before
    /// the holder must give up.
    #[must_use]
    pub fn request_timeout(self) -> Duration {
        self.duration / 6
    }
}

/// The Lease as read from the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `spec.holderIdentity`; empty if it was released.
    pub holder: String,
    /// `metadata.resourceVersion`; a write from another version is refused.
    pub version: String,
    /// `spec.leaseTransitions`
    pub transitions: i32,
    /// `spec.leaseDurationSeconds` of its holder.
    pub duration: Duration,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read the lease.
    Read,
    /// Create it; there is none.
    Create,
    /// Acquire it; its holder is gone.
    Take(Record),
    /// Renew it.
    Renew(Record),
    /// Wait this long.
    Wait(Duration),
}

/// The election as one candidate sees it.
#[derive(Debug)]
pub struct Election {
    identity: String,
    timing: Timing,
    state: State,
    next: Instant,
}

#[derive(Debug)]
enum State {
    /// Held by another process, as last read, and since when it is unchanged.
    Other { read: Option<(Record, Instant)> },
    /// Without a holder; as read, if it exists.
    Free(Option<Record>),
    /// Ours, renewed by a request sent at this time. Unsure after a renewal
    /// was refused: an earlier one whose answer was lost may have taken effect.
    Mine {
        record: Record,
        sent: Instant,
        unsure: bool,
    },
}

impl Election {
    /// A candidate with an identity that no other process has.
    #[must_use]
    pub fn new(identity: String, timing: Timing, now: Instant) -> Self {
        Self {
            identity,
            timing,
            state: State::Other { read: None },
            next: now,
        }
    }

    /// Until when we may write; `None` if we may not.
    #[must_use]
    pub fn leading_until(&self, now: Instant) -> Option<Instant> {
        let State::Mine { sent, .. } = &self.state else {
            return None;
        };
        Some(*sent + self.timing.renew_deadline()).filter(|until| now < *until)
    }

    /// The record to release at shutdown.
    #[must_use]
    pub fn held(&self) -> Option<&Record> {
        match &self.state {
            State::Mine { record, .. } => Some(record),
            State::Other { .. } | State::Free(_) => None,
        }
    }

    /// What to do now. A holder without a renewal for too long first becomes a
    /// follower.
    pub fn step(&mut self, now: Instant) -> Step {
        if self.held().is_some() && self.leading_until(now).is_none() {
            self.state = State::Other { read: None };
            self.next = now;
        }
        if now < self.next {
            let expiry = self.leading_until(now).unwrap_or(self.next);
            return Step::Wait(self.next.min(expiry) - now);
        }
        match &self.state {
            State::Mine { unsure: true, .. } => Step::Read,
            State::Mine { record, .. } => Step::Renew(record.clone()),
            State::Free(None) => Step::Create,
            State::Free(Some(record)) => Step::Take(record.clone()),
            State::Other { .. } => Step::Read,
        }
    }

    /// The lease was read; `None` means that there is none.
    pub fn observed(&mut self, record: Option<Record>, now: Instant) {
        self.next = now + self.timing.retry_period();
        let Some(record) = record else {
            return self.found_free(None, now);
        };
        if let Some(sent) = self.sent().filter(|_| record.holder == self.identity) {
            self.next = now;
            let unsure = false;
            self.state = State::Mine {
                record,
                sent,
                unsure,
            };
            return;
        }
        let since = match &self.state {
            State::Other {
                read: Some((read, since)),
            } if *read == record => *since,
            _ => now,
        };
        if record.holder.is_empty() || now.duration_since(since) >= record.duration {
            self.found_free(Some(record), now);
        } else {
            self.state = State::Other {
                read: Some((record, since)),
            };
        }
    }

    /// A request to create, take or renew succeeded.
    pub fn acquired(&mut self, record: Record, sent: Instant) {
        self.next = sent + self.timing.renew_interval();
        let unsure = false;
        self.state = State::Mine {
            record,
            sent,
            unsure,
        };
    }

    /// A request to create, take or renew was refused: the lease has changed.
    pub fn refused(&mut self, now: Instant) {
        self.next = now;
        match &mut self.state {
            State::Mine { unsure, .. } => *unsure = true,
            State::Other { .. } | State::Free(_) => self.state = State::Other { read: None },
        }
    }

    /// A request failed, and it is unknown whether it took effect.
    pub fn failed(&mut self, now: Instant) {
        self.next = now + self.timing.retry_period();
        if let State::Free(_) = self.state {
            self.state = State::Other { read: None };
        }
    }

    /// The identity of this candidate.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    fn sent(&self) -> Option<Instant> {
        match &self.state {
            State::Mine { sent, .. } => Some(*sent),
            State::Other { .. } | State::Free(_) => None,
        }
    }

    fn found_free(&mut self, record: Option<Record>, now: Instant) {
        self.state = State::Free(record);
        self.next = now;
    }
}

#[cfg(test)]
mod tests;
