//! Whether this process may write, and the rule for all its writes: only while
//! leading, and waited for no longer than until the lease or the timeout ends.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Whether this process may write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leadership {
    /// Counts the times the lease was won; 0 before the first.
    pub term: u64,
    /// Until when; renewals extend it. `None` while following.
    pub until: Option<Instant>,
}

/// Why there is no answer to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It was not sent: another process may lead.
    NotLeading,
    /// It was sent, and it is unknown whether it took effect.
    TimedOut,
}

impl Leadership {
    /// Until when a write that begins now is waited for; `None` if it must not
    /// be sent.
    #[must_use]
    pub fn deadline(&self, now: Instant, timeout: Duration) -> Option<Instant> {
        let until = self.until.filter(|until| now < *until)?;
        Some(until.min(now + timeout))
    }
}

/// Sends a write under the rule above.
pub(super) async fn while_leading<T>(
    leadership: &watch::Receiver<Leadership>,
    timeout: Duration,
    request: impl Future<Output = T>,
) -> Result<T, NoAnswer> {
    let deadline = leadership.borrow().deadline(Instant::now(), timeout);
    let deadline = deadline.ok_or(NoAnswer::NotLeading)?;
    tokio::time::timeout_at(deadline.into(), request)
        .await
        .map_err(|_| NoAnswer::TimedOut)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Leadership;

    #[test]
    fn a_write_is_waited_for_until_the_earlier_of_lease_and_timeout() {
        let now = Instant::now();
        let timeout = Duration::from_secs(5);
        let deadline = |until| Leadership { term: 1, until }.deadline(now, timeout);
        assert_eq!(deadline(None), None);
        assert_eq!(deadline(Some(now)), None);
        let soon = now + Duration::from_secs(2);
        assert_eq!(deadline(Some(soon)), Some(soon));
        let late = now + Duration::from_secs(9);
        assert_eq!(deadline(Some(late)), Some(now + timeout));
    }
}
