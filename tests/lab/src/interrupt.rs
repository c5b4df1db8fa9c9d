//! SIGINT and SIGTERM as a flag that long operations check. A signal affects the whole
//! process, so the flag is the only process-wide value of this crate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::LabError;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static SEEN: AtomicBool = AtomicBool::new(false);

/// Installs handlers for SIGINT and SIGTERM; [`check`] reports the signals.
pub fn watch() -> Result<(), LabError> {
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|source| LabError::SignalHandler { signal, source })?;
    }
    Ok(())
}

/// An error after a signal has arrived, until `clear`.
pub fn check() -> Result<(), LabError> {
    match FLAG.get() {
        Some(flag) if flag.load(Ordering::SeqCst) => Err(LabError::Interrupted),
        _ => Ok(()),
    }
}

/// Resets the flag, so that the cleanup after a signal can complete.
pub(crate) fn clear() {
    if let Some(flag) = FLAG.get()
        && flag.swap(false, Ordering::SeqCst)
    {
        SEEN.store(true, Ordering::SeqCst);
    }
}

/// Whether any signal has arrived so far.
#[must_use]
pub fn happened() -> bool {
    check().is_err() || SEEN.load(Ordering::SeqCst)
}
