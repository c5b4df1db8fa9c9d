//! The lab directory that the benches share, locked for one of them at a time.

use std::fs::{File, TryLockError};

use anyhow::{Context, Result, bail};
use ferrolb_lab::lab::Lab;
use ferrolb_lab::{files, tools};

/// Held while a bench uses the lab; released with the process, however it ends.
#[derive(Debug)]
pub(crate) struct LabLock {
    _lock: File,
}

/// Locks the lab of the benches, which is apart from the user's and the suite's.
pub(crate) fn acquire() -> Result<(Lab, LabLock)> {
    let dir = tools::checkout().join("target/lab-bench");
    let path = dir.with_extension("turn");
    files::create_dir(&tools::checkout().join("target"))?;
    let lock = File::options().create(true).append(true).open(&path);
    let lock = lock.with_context(|| format!("cannot open {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok((Lab::open(&dir)?, LabLock { _lock: lock })),
        Err(TryLockError::WouldBlock) => bail!("another bench uses {}", dir.display()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
