//! Retries with exponential backoff, without a limit: an API server that does
//! not answer is waited for.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Pauses that double from `first` to `longest`, with jitter, without end.
#[must_use]
pub fn backoff(first: Duration, longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
}

/// Attempts until one succeeds. `failed` sees each error before the pause.
pub async fn retry<T, E, A>(
    backoff: ExponentialBuilder,
    mut attempt: impl FnMut() -> A,
    mut failed: impl FnMut(E),
) -> T
where
    A: Future<Output = Result<T, E>>,
{
    let mut pauses = Pauses::new(backoff);
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => failed(error),
        }
        tokio::time::sleep(pauses.next_pause()).await;
    }
}

/// The pauses of one outage after another.
#[derive(Debug)]
pub struct Pauses {
    backoff: ExponentialBuilder,
    current: ExponentialBackoff,
}

impl Pauses {
    /// Begins with the first pause.
    #[must_use]
    pub fn new(backoff: ExponentialBuilder) -> Self {
        Self {
            backoff,
            current: backoff.build(),
        }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        self.current.next().unwrap_or_default()
    }

    /// An attempt succeeded: the next pause is the first again.
    pub fn reset(&mut self) {
        self.current = self.backoff.build();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{backoff, retry};

    #[tokio::test(start_paused = true)]
    async fn attempts_until_one_succeeds_with_growing_pauses() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_millis(200));
        let start = Instant::now();
        let (mut attempts, mut errors) = (0, Vec::new());
        let attempt = || {
            attempts += 1;
            std::future::ready(if attempts < 4 {
                Err(attempts)
            } else {
                Ok("done")
            })
        };
        let value = retry(backoff(first, longest), attempt, |error| errors.push(error)).await;
        assert_eq!((value, errors), ("done", vec![1, 2, 3]));
        // 100, 200 and 200 ms, each with up to as much again.
        let elapsed = start.elapsed();
        assert!((first * 5..=first * 10).contains(&elapsed), "{elapsed:?}");
    }
}
