//! When Events may be written: in a quiet period, and not in the many short
//! pauses of a burst of writes.

use std::time::Duration;

use tokio::sync::watch;
use tokio::sync::watch::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// How long no write is in flight before a period counts as quiet.
const QUIET_PERIOD: Duration = Duration::from_millis(250);

/// Since when no write is in flight that Events should not delay; `None` while
/// one is.
pub type IdleSince = watch::Receiver<Option<Instant>>;

/// Waits for a quiet period.
///
/// # Errors
/// When the owner of the writes is gone.
pub(super) async fn wait(idle_since: &mut IdleSince) -> Result<(), RecvError> {
    loop {
        let Some(since) = *idle_since.wait_for(Option::is_some).await? else {
            continue;
        };
        let over = idle_since.wait_for(|now| *now != Some(since));
        match timeout_at(since + QUIET_PERIOD, over).await {
            Ok(changed) => drop(changed?),
            Err(_lasted) => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};

    use super::{QUIET_PERIOD, wait};

    #[tokio::test(start_paused = true)]
    async fn short_pauses_of_a_burst_are_not_quiet() {
        let (sender, mut idle_since) = watch::channel(None);
        let start = Instant::now();
        let burst = tokio::spawn(async move {
            for _ in 0..10 {
                sender.send_replace(Some(Instant::now()));
                sleep(QUIET_PERIOD - Duration::from_millis(1)).await;
                sender.send_replace(None);
                sleep(Duration::from_millis(1)).await;
            }
            sender.send_replace(Some(Instant::now()));
            sender
        });
        wait(&mut idle_since).await.unwrap();
        assert_eq!(start.elapsed(), QUIET_PERIOD * 11);
        drop(burst.await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_period_that_lasts_is_not_waited_for_again() {
        let (_sender, mut idle_since) = watch::channel(Some(Instant::now()));
        wait(&mut idle_since).await.unwrap();
        let start = Instant::now();
        wait(&mut idle_since).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_wait_for_an_owner_that_is_gone() {
        let (sender, mut idle_since) = watch::channel(None);
        drop(sender);
        assert!(wait(&mut idle_since).await.is_err());
    }
}
