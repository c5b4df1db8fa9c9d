//! OCI image archives made of plain files, without a container engine: one
//! layer, a configuration, a manifest, an index, in the layout that
//! `ctr images import` reads. The same input gives the same bytes: no clock,
//! no owner's name and no order of a directory gets in. Reads the files it is
//! given and writes one file; runs nothing.

mod layer;
mod layout;
pub mod product;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// What goes into an image.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// The full name, host and tag included, e.g. `example.local/name:1`.
    pub reference: String,
    /// The program's path in the image; must be one of `files`.
    pub entrypoint: String,
    /// Files on disk and where they go in the image (mode 0755, owner root).
    pub files: Vec<(PathBuf, String)>,
}

/// A content digest, `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        Self(hash.iter().fold("sha256:".to_owned(), |text, byte| {
            text + &format!("{byte:02x}")
        }))
    }

    /// Only the hexadecimal digits: the name of a blob's file.
    pub(crate) fn hex(&self) -> &str {
        self.0.trim_start_matches("sha256:")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an image could not be made.
#[derive(Debug, Error)]
pub enum ImageError {
    /// A file that should go into the image cannot be read.
    #[error("cannot read {path} for image {reference}")]
    Read {
        /// The image's name.
        reference: String,
        /// The file on disk.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("cannot write image archive {path}")]
    Write {
        /// The archive.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// The reference has no tag; without one a node would try to pull it.
    #[error("image reference {0:?} has no tag: give it one, such as :1")]
    NoTag(String),
    /// The entry point is not among the files.
    #[error("image {reference}: the entry point {entrypoint} is not among its files")]
    NoEntrypoint {
        /// The image's name.
        reference: String,
        /// The missing path.
        entrypoint: String,
    },
    /// The entry point is not a program for amd64 or arm64.
    #[error("image {reference}: {entrypoint} is not a 64-bit ELF program for amd64 or arm64")]
    Architecture {
        /// The image's name.
        reference: String,
        /// The program's path in the image.
        entrypoint: String,
    },
}

/// Makes the archive `out` (replaced in one step, so a reader never sees half
/// of it) and returns the digest of the image's manifest.
pub fn build(spec: &ImageSpec, out: &Path) -> Result<Digest, ImageError> {
    let files = read(spec)?;
    let program = files
        .iter()
        .find(|(path, _)| layer::inside(path) == layer::inside(&spec.entrypoint))
        .ok_or_else(|| ImageError::NoEntrypoint {
            reference: spec.reference.clone(),
            entrypoint: spec.entrypoint.clone(),
        })?;
    let architecture = architecture(&program.1).ok_or_else(|| ImageError::Architecture {
        reference: spec.reference.clone(),
        entrypoint: spec.entrypoint.clone(),
    })?;
    let failed = |source| ImageError::Write {
        path: out.to_owned(),
        source,
    };
    let layer = layer::layer(&files).map_err(failed)?;
    let (manifest, archive) = layout::archive(spec, architecture, layer)
        .ok_or_else(|| ImageError::NoTag(spec.reference.clone()))?
        .map_err(failed)?;
    replace(out, &archive).map_err(failed)?;
    Ok(manifest)
}

/// The files' contents, sorted by their place in the image.
fn read(spec: &ImageSpec) -> Result<Vec<(String, Vec<u8>)>, ImageError> {
    let read_one = |(path, target): &(PathBuf, String)| match std::fs::read(path) {
        Ok(content) => Ok((target.clone(), content)),
        Err(source) => {
            let reference = spec.reference.clone();
            Err(ImageError::Read {
                reference,
                path: path.clone(),
                source,
            })
        }
    };
    let mut files = spec
        .files
        .iter()
        .map(read_one)
        .collect::<Result<Vec<_>, _>>()?;
    files.sort();
    Ok(files)
}

/// The machine a 64-bit little-endian ELF program is for, in the words of the
/// image specification (ELF header: `EI_CLASS` at 4, `e_machine` at 18).
fn architecture(program: &[u8]) -> Option<&'static str> {
    let header = program.get(..20)?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    match u16::from_le_bytes([header[18], header[19]]) {
        0x3e => Some("amd64"),
        0xb7 => Some("arm64"),
        _ => None,
    }
}

/// Writes beside `out` and renames.
fn replace(out: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(out)?;
    Ok(())
}

#[cfg(test)]
mod tests;
