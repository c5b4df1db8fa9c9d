//! A lock file that serialises processes which build or change the same files.

use std::fs::File;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use crate::error::LabError;

/// Held until dropped, or until the process exits in any way.
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
