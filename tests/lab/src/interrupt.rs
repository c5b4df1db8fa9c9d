//! SIGINT and SIGTERM as a flag that long work looks at. A signal concerns the whole
//! process, so the flag is the one process-wide value of this crate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::LabError;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static SEEN: AtomicBool = AtomicBool::new(false);

/// Catches SIGINT and SIGTERM from now on; [`check`] reports them.
pub fn watch() -> Result<(), LabError> {
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|source| LabError::SignalHandler { signal, source })?;
    }
    Ok(())
}

/// Fails once a signal has arrived, and goes on failing until `clear`.
pub fn check() -> Result<(), LabError> {
    match FLAG.get() {
        Some(flag) if flag.load(Ordering::SeqCst) => Err(LabError::Interrupted),
        _ => Ok(()),
    }
}

/// Forgets the signal, so that the cleanup that follows it can run to its end.
pub(crate) fn clear() {
    if let Some(flag) = FLAG.get()
        && flag.swap(false, Ordering::SeqCst)
    {
        SEEN.store(true, Ordering::SeqCst);
    }
}

/// Whether a signal has ever arrived.
#[must_use]
pub fn happened() -> bool {
    check().is_err() || SEEN.load(Ordering::SeqCst)
}
