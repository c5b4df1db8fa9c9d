//! Small file helpers whose errors name the file.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::LabError;

/// Names the file in an I/O error.
fn named(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LabError {
    let path = path.to_path_buf();
    move |source| LabError::File {
        doing,
        path,
        source,
    }
}

/// Writes a file and creates missing parent directories.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), LabError> {
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    fs::write(path, text).map_err(named("write", path))
}

/// Writes an existing file, such as a kernel control file in /proc or a cgroup.
pub fn write_existing(path: &Path, text: &str) -> Result<(), LabError> {
    fs::write(path, text).map_err(named("write", path))
}

/// Replaces a file atomically by a rename.
pub fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), LabError> {
    let fresh = path.with_extension("new");
    write(&fresh, text)?;
    fs::rename(&fresh, path).map_err(named("replace", path))
}

/// Reads a whole text file.
pub fn read(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(named("read", path))
}

/// Reads a text file that may be missing.
pub fn read_if_there(path: &Path) -> Result<Option<String>, LabError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named("read", path)(error)),
    }
}

/// Creates a directory and missing parents.
pub fn create_dir(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(named("create", path))
}

/// Removes a directory tree; a missing one is not an error.
pub fn remove_dir(path: &Path) -> Result<(), LabError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(named("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a file; a missing one is not an error.
pub fn remove(path: &Path) -> Result<(), LabError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(named("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Makes `link` a symbolic link to `target`, replacing any file.
pub fn link(target: &Path, link: &Path) -> Result<(), LabError> {
    remove(link)?;
    std::os::unix::fs::symlink(target, link).map_err(named("link", link))
}

/// Copies a file atomically; a running program whose file is replaced is not affected.
pub fn copy(from: &Path, to: &Path) -> Result<(), LabError> {
    if let Some(parent) = to.parent() {
        create_dir(parent)?;
    }
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).map_err(named("copy", from))?;
    fs::rename(&fresh, to).map_err(named("replace", to))
}

/// The names in a directory, sorted; empty if the directory is missing.
pub fn list(path: &Path) -> Result<Vec<String>, LabError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(named("list", path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(named("list", path))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Writes a value as JSON, atomically.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), LabError> {
    let text = serde_json::to_string_pretty(value).map_err(|source| LabError::Parse {
        what: path.display().to_string(),
        source,
    })?;
    replace(path, text)
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, LabError> {
    serde_json::from_str(&read(path)?).map_err(|source| LabError::Parse {
        what: path.display().to_string(),
        source,
    })
}

/// `bytes` random bytes in hexadecimal, from the kernel.
pub fn random_hex(bytes: usize) -> Result<String, LabError> {
    let path = Path::new("/dev/urandom");
    let mut buffer = vec![0; bytes];
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut buffer))
        .map_err(named("read", path))?;
    Ok(hex(&buffer))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
