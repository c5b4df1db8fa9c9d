//! When Events may go out: in a lull, and not in the many short pauses that a
//! burst of writes has.

use std::time::Duration;

use tokio::sync::watch;
use tokio::sync::watch::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// How long nothing is done before it is a lull.
const LULL: Duration = Duration::from_millis(250);

/// Since when nothing is done that Events should not hold up; none while
/// something is.
pub type IdleSince = watch::Receiver<Option<Instant>>;

/// Waits until there is a lull.
///
/// # Errors
/// When nobody is there any more who does anything.
pub(super) async fn begun(idle_since: &mut IdleSince) -> Result<(), RecvError> {
    loop {
        let Some(since) = *idle_since.wait_for(Option::is_some).await? else {
            continue;
        };
        let over = idle_since.wait_for(|now| *now != Some(since));
        match timeout_at(since + LULL, over).await {
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

    use super::{LULL, begun};

    #[tokio::test(start_paused = true)]
    async fn short_pauses_of_a_burst_are_no_lull() {
        let (sender, mut idle_since) = watch::channel(None);
        let start = Instant::now();
        let burst = tokio::spawn(async move {
            for _ in 0..10 {
                sender.send_replace(Some(Instant::now()));
                sleep(LULL - Duration::from_millis(1)).await;
                sender.send_replace(None);
                sleep(Duration::from_millis(1)).await;
            }
            sender.send_replace(Some(Instant::now()));
            sender
        });
        begun(&mut idle_since).await.unwrap();
        assert_eq!(start.elapsed(), LULL * 11);
        drop(burst.await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lull_that_lasts_is_not_waited_for_again() {
        let (_sender, mut idle_since) = watch::channel(Some(Instant::now()));
        begun(&mut idle_since).await.unwrap();
        let start = Instant::now();
        begun(&mut idle_since).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_one_who_is_gone() {
        let (sender, mut idle_since) = watch::channel(None);
        drop(sender);
        assert!(begun(&mut idle_since).await.is_err());
    }
}
