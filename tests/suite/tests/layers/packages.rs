//! The workspace's packages as cargo describes them: folders, roots of the module
//! trees, dependencies.

use serde_json::Value;

use crate::sources::root;

/// One package of the workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// From the workspace's root.
    pub(crate) folder: String,
    pub(crate) targets: Vec<Target>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What cargo compiles by itself.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The root file, from the workspace's root.
    pub(crate) file: String,
    pub(crate) kind: TargetKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Library,
    Program,
    /// A test, a benchmark or an example.
    Test,
}

#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// The name in the manifest.
    pub(crate) name: String,
    pub(crate) is_dev: bool,
}

impl Package {
    /// The library's name in paths.
    pub(crate) fn identifier(&self) -> String {
        self.name.replace('-', "_")
    }
}

impl Dependency {
    /// The crate's name in paths.
    pub(crate) fn identifier(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// The packages in the output of `cargo metadata --no-deps`.
pub(crate) fn of(metadata: &Value) -> Vec<Package> {
    list(metadata, "packages").iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let manifest = inside(text(value, "manifest_path"));
    let folder = manifest.trim_end_matches("/Cargo.toml").to_owned();
    Package {
        name: text(value, "name").to_owned(),
        folder,
        targets: list(value, "targets").iter().map(target).collect(),
        dependencies: list(value, "dependencies").iter().map(dependency).collect(),
    }
}

fn target(value: &Value) -> Target {
    let kind = match value["kind"][0].as_str() {
        Some("lib") => TargetKind::Library,
        Some("bin") => TargetKind::Program,
        _ => TargetKind::Test,
    };
    Target {
        file: inside(text(value, "src_path")),
        kind,
    }
}

fn dependency(value: &Value) -> Dependency {
    let renamed = value["rename"].as_str();
    Dependency {
        name: renamed.unwrap_or_else(|| text(value, "name")).to_owned(),
        is_dev: value["kind"] == "dev",
    }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("a text in cargo's metadata")
}

/// A path from the workspace's root.
fn inside(path: &str) -> String {
    let root = root().to_string_lossy().into_owned() + "/";
    path.trim_start_matches(&root).to_owned()
}
