//! A lock file: two processes that build or change the same thing take turns.

use std::fs::File;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use crate::error::LabError;

/// Held until dropped, or until the process ends however it ends.
pub(crate) type Lock = Flock<File>;

/// Waits for the lock on `path`.
pub(crate) fn acquire(path: &Path) -> Result<Lock, LabError> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| LabError::File {
            doing: "open",
            path: path.to_path_buf(),
            source,
        })?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, source)| LabError::System {
        doing: format!("lock {}", path.display()),
        source,
    })
}
