//! The lab directory that the benches share, for one of them at a time.

use std::fs::{File, TryLockError};

use anyhow::{Context, Result, bail};
use ferrolb_lab::lab::Lab;
use ferrolb_lab::{files, tools};

/// Held for as long as a bench uses the lab, and given up with the process
/// however that ends.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
}

/// The benches' lab, beside the user's and the suite's.
pub(crate) fn claim() -> Result<(Lab, Turn)> {
    let dir = tools::checkout().join("target/lab-bench");
    let path = dir.with_extension("turn");
    files::create_dir(&tools::checkout().join("target"))?;
    let lock = File::options().create(true).append(true).open(&path);
    let lock = lock.with_context(|| format!("cannot open {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok((Lab::open(&dir)?, Turn { _lock: lock })),
        Err(TryLockError::WouldBlock) => bail!("another bench uses {}", dir.display()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
