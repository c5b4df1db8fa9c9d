//! Dependencies between our crates point one way, and no manifest lists a crate that
//! its code does not name.

use std::collections::BTreeSet;

use super::{Violation, is_below};
use crate::packages::{Dependency, Package};
use crate::workspace::Workspace;

/// Which of our crates each crate may depend on; those that are not listed are tests
/// and tools, which may depend on all.
const MAY_DEPEND: [(&str, &[&str]); 8] = [
    ("ferrolb-core", &[]),
    ("ferrolb-api", &["ferrolb-core"]),
    ("ferrolb-runtime", &["ferrolb-core"]),
    (
        "ferrolb-controller",
        &["ferrolb-api", "ferrolb-core", "ferrolb-runtime"],
    ),
    (
        "ferrolb-speaker",
        &["ferrolb-api", "ferrolb-core", "ferrolb-runtime"],
    ),
    ("ferrolb-echo", &[]),
    ("ferrolb-image", &[]),
    ("ferrolb-lab", &["ferrolb-core", "ferrolb-image"]),
];

/// Crates that are listed for something else than their names, and what that is.
const UNNAMED: [(&str, &str, &str); 0] = [];

/// Dependencies point one way.
pub(crate) fn dependencies_point_one_way(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &workspace.packages {
        let rule = MAY_DEPEND.iter().find(|(name, _)| *name == package.name);
        let Some((_, allowed)) = rule else {
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if name.starts_with("ferrolb-") && !allowed.contains(&name) {
                let problem = format!("may not depend on {name}");
                violations.push(Violation::new(&package.name, 0, problem));
            }
        }
    }
    violations
}

/// Every dependency is named by code; one that only tests name is a dev-dependency.
pub(crate) fn every_dependency_is_used(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &workspace.packages {
        let (shipped, tests) = names(workspace, package);
        for dependency in &package.dependencies {
            let identifier = dependency.identifier();
            let is_named = shipped.contains(&identifier);
            let is_named_by_tests = tests.contains(&identifier);
            if is_named || is_excepted(package, dependency) {
                continue;
            }
            let problem = match (dependency.is_dev, is_named_by_tests) {
                (true, true) => continue,
                (false, true) => "is used by tests only; make it a dev-dependency",
                (_, false) => "is not used",
            };
            let problem = format!("the dependency {} {problem}", dependency.name);
            violations.push(Violation::new(&package.name, 0, problem));
        }
    }
    violations
}

fn is_excepted(package: &Package, dependency: &Dependency) -> bool {
    let mut unnamed = UNNAMED.iter();
    unnamed.any(|(owner, name, _)| *owner == package.name && *name == dependency.name)
}

/// The first names of all paths in a package: in the code that ships, and in its tests.
fn names(workspace: &Workspace, package: &Package) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut shipped, mut tests) = (BTreeSet::new(), BTreeSet::new());
    let manifest = format!("{}/Cargo.toml", package.folder);
    let own = |file: &str| is_below(file, manifest.trim_end_matches("/Cargo.toml"));
    for node in workspace.nodes.iter().filter(|node| own(&node.file)) {
        let first = |tokens: &crate::tokens::Tokens| {
            let paths = tokens.paths.iter();
            paths
                .filter_map(|named| named.path.first().cloned())
                .collect::<Vec<_>>()
        };
        let code = first(&node.module.code);
        if node.is_test {
            tests.extend(code);
        } else {
            shipped.extend(code);
        }
        tests.extend(first(&node.module.test_code));
    }
    (shipped, tests)
}
