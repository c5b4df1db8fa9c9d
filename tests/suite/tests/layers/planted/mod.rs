//! Each rule against small trees that a test makes up: it catches what it must, in each
//! form, and leaves alone what is allowed. Nothing is written to the disk.

mod circles;
mod dependencies;
mod fences;
mod files;
mod purity;
mod sizes;

use crate::packages::{Package, Target, TargetKind};
use crate::rules::Violation;
use crate::sources::Sources;
use crate::workspace::Workspace;

/// A workspace of these files; each folder before `/src/` is a crate, named after it.
fn workspace(files: &[(&str, &str)]) -> Workspace {
    let mut sources = Sources::default();
    for (file, text) in files {
        sources.files.insert((*file).to_owned(), (*text).to_owned());
        let Some((folder, inside)) = file.split_once("/src/") else {
            continue;
        };
        let kind = match inside {
            "lib.rs" => TargetKind::Library,
            "main.rs" => TargetKind::Program,
            _ => continue,
        };
        sources.packages.push(Package {
            name: format!("ferrolb-{}", folder.rsplit('/').next().unwrap_or(folder)),
            folder: folder.to_owned(),
            targets: vec![Target {
                file: (*file).to_owned(),
                kind,
            }],
            dependencies: Vec::new(),
        });
    }
    Workspace::of(sources)
}

/// The problems that a rule finds, without duplicates.
fn problems(violations: Vec<Violation>) -> Vec<String> {
    let mut problems: Vec<_> = violations.into_iter().map(|found| found.problem).collect();
    problems.sort();
    problems.dedup();
    problems
}
