//! The texts that the rules read: every Rust file of the workspace's crates, from the
//! disk or from a test that plants a violation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::packages::Package;

/// Rust files by their path from the workspace's root, and the packages they belong to.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) packages: Vec<Package>,
}

impl Sources {
    /// The files on disk.
    pub(crate) fn of_this_workspace() -> Self {
        let packages = crate::packages::of(&metadata());
        let mut files = BTreeMap::new();
        for package in &packages {
            add_rust_files(&root().join(&package.folder), &mut files);
        }
        Self { files, packages }
    }
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = suite.ancestors().nth(2);
    root.expect("the suite is two folders deep").to_owned()
}

/// What cargo knows about the workspace's own packages.
fn metadata() -> Value {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON from cargo metadata")
}

fn add_rust_files(folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            add_rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).expect("below the root");
            let text = fs::read_to_string(&path).expect("a readable file");
            files.insert(name.to_string_lossy().into_owned(), text);
        }
    }
}
