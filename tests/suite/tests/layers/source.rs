//! Reads the workspace's Rust files as text: which there are, which are
//! declared, and what their code (without comments and tests) names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR"));
    suite
        .ancestors()
        .nth(2)
        .expect("the suite is two folders deep")
        .to_owned()
}

/// Folders of crates, from the workspace's root.
pub(crate) const CRATES: [&str; 9] = [
    "shared/api",
    "shared/core",
    "shared/runtime",
    "controller",
    "speaker",
    "tests/bench",
    "tests/echo",
    "tests/lab",
    "tests/suite",
];

/// Every Rust file below a folder of the workspace, as paths from its root.
pub(crate) fn rust_files(below: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let path = path.strip_prefix(root()).expect("below the root");
                found.insert(path.to_owned());
            }
        }
    }
    found
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The lines of a file that are code of the program: no comments, and nothing
/// from the test module at its end.
pub(crate) fn code(path: &Path) -> String {
    let text = read(path);
    let program = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = program
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Test modules of their own; they may do what their subject may not.
pub(crate) fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        matches!(part.as_ref(), "tests" | "tests.rs")
    })
}

/// Whether code names a crate or path as a whole word.
pub(crate) fn names(code: &str, word: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}
