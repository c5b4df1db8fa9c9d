//! Follows `mod` lines from the crates' roots, to find files nobody declares.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::source::{CRATES, read, root, rust_files};

/// Rust files that no crate compiles.
pub(crate) fn orphans() -> BTreeSet<PathBuf> {
    let declared: BTreeSet<PathBuf> = CRATES.iter().flat_map(|folder| reachable(folder)).collect();
    let all = CRATES.iter().flat_map(|folder| rust_files(folder));
    all.filter(|path| !declared.contains(path)).collect()
}

fn reachable(folder: &str) -> BTreeSet<PathBuf> {
    let mut open = roots(folder);
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        if seen.insert(path.clone()) {
            open.extend(declared_in(&path));
        }
    }
    seen
}

/// The files cargo compiles by itself: libraries, programs, test suites.
fn roots(folder: &str) -> Vec<PathBuf> {
    let is_root = |path: &PathBuf| {
        let inside = path.strip_prefix(folder).expect("below the crate");
        let text = inside.to_string_lossy().into_owned();
        let nested = inside.components().count();
        matches!(text.as_str(), "src/lib.rs" | "src/main.rs" | "build.rs")
            || (text.starts_with("src/bin/") && nested == 3)
            || (text.starts_with("tests/") && nested == 2)
            || (text.starts_with("tests/") && nested == 3 && text.ends_with("/main.rs"))
            || (text.starts_with("benches/") && nested == 2)
            || (text.starts_with("examples/") && nested == 2)
    };
    rust_files(folder).into_iter().filter(is_root).collect()
}

fn declared_in(path: &Path) -> Vec<PathBuf> {
    let text = read(path);
    let names = text.lines().filter_map(module_name);
    names.filter_map(|name| file_of(path, name)).collect()
}

fn module_name(line: &str) -> Option<&str> {
    let line = line.trim();
    let words = line.strip_suffix(';')?;
    let (before, name) = words.rsplit_once(' ').unwrap_or(("", words));
    let is_module = before == "mod" || before.ends_with(" mod");
    (is_module && !line.starts_with("//")).then_some(name)
}

/// `a.rs` looks in `a/`; roots and `a/mod.rs` look beside themselves.
fn file_of(parent: &Path, name: &str) -> Option<PathBuf> {
    let folder = parent.parent()?;
    let stem = parent.file_stem()?;
    [folder.join(stem), folder.to_owned()]
        .iter()
        .flat_map(|place| {
            [
                place.join(format!("{name}.rs")),
                place.join(name).join("mod.rs"),
            ]
        })
        .find(|path| root().join(path).exists())
}
