//! Waiting for a condition with a deadline, instead of sleeping for a fixed time.

use std::time::{Duration, Instant};

use crate::error::LabError;
use crate::interrupt;

/// Time between two checks of a condition.
const INTERVAL: Duration = Duration::from_millis(100);

/// Repeats `check` until it returns a value. Its last `Err` describes what was observed
/// instead and becomes part of the timeout's message. An interrupt ends the wait.
pub fn until<T>(
    what: &str,
    deadline: Duration,
    mut check: impl FnMut() -> Result<T, String>,
) -> Result<T, LabError> {
    let start = Instant::now();
    loop {
        let last = match check() {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        interrupt::check()?;
        if start.elapsed() > deadline {
            return Err(LabError::Timeout {
                what: what.to_owned(),
                waited: deadline,
                last,
            });
        }
        std::thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_the_value_as_soon_as_the_check_succeeds() {
        let mut checks = 0;
        let value = until("the third check", Duration::from_secs(5), || {
            checks += 1;
            if checks == 3 {
                Ok(checks)
            } else {
                Err(format!("check {checks}"))
            }
        });
        assert_eq!(value.unwrap(), 3);
    }

    #[test]
    fn the_timeout_contains_the_last_observation() {
        let error = until::<()>("rain", Duration::ZERO, || Err("sunshine".to_owned())).unwrap_err();
        assert!(error.to_string().contains("sunshine"), "{error}");
    }
}
