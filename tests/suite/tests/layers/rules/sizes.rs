//! Small files, short functions, small types. Tests may have larger worlds, but not
//! larger files or longer functions.

use std::collections::BTreeMap;

use super::Violation;
use crate::workspace::{Place, Workspace};

pub(crate) const MAX_FILE_LINES: usize = 400;
pub(crate) const MAX_FUNCTION_LINES: usize = 60;
pub(crate) const MAX_FIELDS: usize = 12;
pub(crate) const MAX_METHODS: usize = 25;

/// Derived by schemas of the API and lists of arguments, which have as many fields as
/// the API and the command line.
const SCHEMAS: [&str; 4] = ["Args", "CustomResource", "JsonSchema", "Parser"];

/// Larger for a reason.
const LARGE: [(&str, &str); 3] = [
    (
        "ferrolb_core::config::bgp::BgpPeer",
        "a schema: the fields of the resource BGPPeer",
    ),
    (
        "ferrolb_controller::service::ServiceView",
        "a schema: the fields of a Service that are read",
    ),
    (
        "ferrolb_lab::lab::Lab",
        "one method for each command of `cargo lab`; the work is done elsewhere",
    ),
];

/// No file is too large to know.
pub(crate) fn files_are_small(workspace: &Workspace) -> Vec<Violation> {
    let files = workspace.files.iter();
    let large = files.filter_map(|(file, text)| {
        let lines = text.lines().count();
        let problem = format!("has more than {MAX_FILE_LINES} lines");
        (lines > MAX_FILE_LINES).then(|| Violation::new(file, lines, problem))
    });
    large.collect()
}

/// No function is long.
pub(crate) fn functions_are_short(workspace: &Workspace) -> Vec<Violation> {
    let functions = workspace.functions.iter();
    let long = functions.filter(|(_, function)| function.lines > MAX_FUNCTION_LINES);
    long.map(|(file, function)| {
        let name = &function.name;
        let problem = format!("`{name}` has more than {MAX_FUNCTION_LINES} lines");
        Violation::new(file, 0, problem)
    })
    .collect()
}

/// No struct has too many fields.
pub(crate) fn structs_have_few_fields(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for node in workspace.shipped() {
        for found in &workspace.nodes[node].module.structs {
            let is_schema = SCHEMAS.iter().any(|name| found.derives.contains(*name));
            let name = format!("{}::{}", workspace.name(node), found.name);
            if found.fields > MAX_FIELDS && !is_schema && !is_excepted(&name) {
                let problem = format!("`{}` has {} fields", found.name, found.fields);
                violations.push(Violation::new(&workspace.nodes[node].file, 0, problem));
            }
        }
    }
    violations
}

/// No type has too many methods, in whichever files they are.
pub(crate) fn types_have_few_methods(workspace: &Workspace) -> Vec<Violation> {
    let mut methods: BTreeMap<(usize, Vec<String>), usize> = BTreeMap::new();
    for node in workspace.shipped() {
        for block in &workspace.nodes[node].module.impls {
            for place in workspace.follow(node, &block.target) {
                if let Place::Ours(node, name) = place {
                    *methods.entry((node, name)).or_default() += block.methods;
                }
            }
        }
    }
    methods.retain(|(node, name), count| {
        let name = format!("{}::{}", workspace.name(*node), name.join("::"));
        *count > MAX_METHODS && !is_excepted(&name)
    });
    let large = methods.into_iter().map(|((node, name), count)| {
        let problem = format!("`{}` has {count} methods", name.join("::"));
        Violation::new(&workspace.nodes[node].file, 0, problem)
    });
    large.collect()
}

fn is_excepted(name: &str) -> bool {
    LARGE.iter().any(|(large, _)| *large == name)
}
