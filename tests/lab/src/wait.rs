//! Waiting for a condition with a deadline: the lab and its suites never sleep for luck.

use std::time::{Duration, Instant};

use crate::error::LabError;
use crate::interrupt;

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Looks at a condition until it gives a value; its `Err` says what it saw instead and
/// ends up in the timeout's message. An interrupt ends the wait.
pub fn until<T>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> Result<T, LabError> {
    let start = Instant::now();
    loop {
        let last = match look() {
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
        std::thread::sleep(EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_value_once_it_is_there() {
        let mut looks = 0;
        let value = until("the third look", Duration::from_secs(5), || {
            looks += 1;
            if looks == 3 {
                Ok(looks)
            } else {
                Err(format!("look {looks}"))
            }
        });
        assert_eq!(value.unwrap(), 3);
    }

    #[test]
    fn the_timeout_says_what_was_seen_last() {
        let error = until::<()>("rain", Duration::ZERO, || Err("sunshine".to_owned())).unwrap_err();
        assert!(error.to_string().contains("sunshine"), "{error}");
    }
}
