//! Waiting for a condition with a deadline, finely enough to measure
//! milliseconds.

use std::time::{Duration, Instant};

/// Long enough for a busy machine; no claim waits for it unless it fails.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Waits for a value, and returns how long that took.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return (found, start.elapsed());
        }
        assert!(start.elapsed() < TIMEOUT, "{what}: not within {TIMEOUT:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
