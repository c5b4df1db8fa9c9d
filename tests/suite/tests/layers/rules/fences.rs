//! Crates that only the named files touch, so that each has one place where it is
//! used and could be replaced.

use super::{Violation, is_below};
use crate::workspace::Workspace;

/// Crate, and the files that may name it.
pub(crate) const FENCED: [(&str, &[&str]); 6] = [
    (
        "chitchat",
        &[
            "speaker/src/gossip/cluster.rs",
            "speaker/src/gossip/transport.rs",
        ],
    ),
    ("netlink_packet_route", &["speaker/src/host/links.rs"]),
    ("pnet", &["speaker/src/layer2/wire/emit.rs"]),
    (
        "prometheus",
        &[
            "controller/src/metrics.rs",
            "shared/runtime/src/metrics.rs",
            "speaker/src/metrics.rs",
        ],
    ),
    ("rtnetlink", &["speaker/src/host/links.rs"]),
    (
        "socket2",
        &[
            "shared/runtime/src/http/listen.rs",
            "speaker/src/gossip/udp.rs",
            "speaker/src/layer2/io/socket.rs",
            "tests/bench/src/wire/socket.rs",
        ],
    ),
];

/// Only the named files touch a fenced crate.
pub(crate) fn only_named_files_touch_fenced_crates(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for node in workspace.shipped() {
        let file = &workspace.nodes[node].file;
        for named in &workspace.nodes[node].module.code.paths {
            let fence = FENCED.iter().find(|(name, _)| is_named(&named.path, name));
            if let Some((name, files)) = fence
                && !files.iter().any(|place| is_below(file, place))
            {
                let problem = format!("names {name}, which only {files:?} may");
                violations.push(Violation::new(file, named.line, problem));
            }
        }
    }
    violations
}

/// A file that a fence names exists and uses the crate.
pub(crate) fn fences_are_not_out_of_date(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, files) in FENCED {
        for place in files {
            let mut nodes = workspace.shipped();
            let is_used = nodes.any(|node| {
                let node = &workspace.nodes[node];
                let mut paths = node.module.code.paths.iter();
                is_below(&node.file, place) && paths.any(|named| is_named(&named.path, name))
            });
            if !is_used {
                let problem = format!("does not use {name}; correct the list of fences");
                violations.push(Violation::new(place, 0, problem));
            }
        }
    }
    violations
}

/// Whether a path goes through a crate, also by way of a module that re-exports the
/// whole crate. What a fenced file re-exports of it under its own name may be used:
/// that is what the fence is for.
fn is_named(path: &[String], name: &str) -> bool {
    path.iter().any(|segment| segment == name)
}
