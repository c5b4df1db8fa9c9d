//! Waiting for conditions, with a deadline.

use std::fmt::Display;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

/// The default deadline, for a loaded machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Polls until the result is `Ok`; at the deadline the last error is the failure.
pub(crate) async fn until<T, E: Display>(
    what: &str,
    ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Failed> {
    within(DEADLINE, what, ask).await
}

/// The same with another deadline, for what is slow by design.
pub(crate) async fn within<T, E: Display>(
    deadline: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Failed> {
    let end = Instant::now() + deadline;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(reason) if Instant::now() > end => {
                return Err(format!("timed out waiting for {what}: {reason}").into());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
