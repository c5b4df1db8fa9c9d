//! Every file belongs to a crate and opens with a line about what lives in it.

use std::collections::BTreeSet;

use super::Violation;
use crate::workspace::Workspace;

/// Every file is compiled.
pub(crate) fn every_file_is_declared(workspace: &Workspace) -> Vec<Violation> {
    let declared: BTreeSet<&String> = workspace.nodes.iter().map(|node| &node.file).collect();
    let files = workspace.files.keys();
    let orphans = files.filter(|file| !declared.contains(file) && !file.ends_with("/build.rs"));
    orphans
        .map(|file| Violation::new(file, 0, "is declared by no `mod` line".to_owned()))
        .collect()
}

/// Every file has a head.
pub(crate) fn every_file_has_a_head(workspace: &Workspace) -> Vec<Violation> {
    let files = workspace.files.iter();
    let without = files.filter(|(_, text)| !text.starts_with("//! "));
    without
        .map(|(file, _)| Violation::new(file, 1, "does not open with `//! `".to_owned()))
        .collect()
}
