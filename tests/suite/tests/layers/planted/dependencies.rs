//! Dependencies that point the wrong way, and those that no code names.

use super::{problems, workspace};
use crate::packages::Dependency;
use crate::rules::dependencies::{dependencies_point_one_way, every_dependency_is_used};
use crate::workspace::Workspace;

fn with_dependency(folder: &str, code: &str, name: &str, is_dev: bool) -> Workspace {
    let file = format!("{folder}/src/lib.rs");
    let mut tree = workspace(&[(&file, code)]);
    tree.packages[0].dependencies.push(Dependency {
        name: name.to_owned(),
        is_dev,
    });
    tree
}

#[test]
fn a_dependency_that_points_upward_is_caught() {
    for (folder, name, expected) in [
        ("shared/core", "ferrolb-runtime", 1),
        ("shared/runtime", "ferrolb-controller", 1),
        ("speaker", "ferrolb-controller", 1),
        ("controller", "ferrolb-speaker", 1),
        ("tests/lab", "ferrolb-controller", 1),
        ("speaker", "ferrolb-runtime", 0),
        ("speaker", "tokio", 0),
        ("tests/suite", "ferrolb-speaker", 0),
    ] {
        for is_dev in [false, true] {
            let tree = with_dependency(folder, "//! A.", name, is_dev);
            let found = dependencies_point_one_way(&tree);
            assert_eq!(found.len(), expected, "{folder} -> {name}");
        }
    }
}

#[test]
fn a_dependency_that_no_code_names_is_caught() {
    for code in [
        "",
        "// serde_json::json!",
        "fn f(serde_json: u8) {}",
        "const A: &str = \"serde_json::Value\";",
    ] {
        let found = problems(every_dependency_is_used(&with_dependency(
            "a",
            code,
            "serde-json",
            false,
        )));
        assert_eq!(found, ["the dependency serde-json is not used"], "{code}");
    }
}

#[test]
fn a_dependency_is_used_in_each_form_of_a_path() {
    for code in [
        "use serde_json::{Value, json};",
        "use serde_json as json;",
        "use serde_json;",
        "fn f() -> serde_json::Value { todo!() }",
        "fn f() { vec![serde_json::Value::Null]; }",
        "#[derive(serde_json::Derived)] struct A;",
        "#[serde(with = \"serde_json::text\")] struct A;",
        "mod inner { pub use serde_json::*; }",
    ] {
        let found = problems(every_dependency_is_used(&with_dependency(
            "a",
            code,
            "serde-json",
            false,
        )));
        assert!(found.is_empty(), "{code}: {found:?}");
    }
}

#[test]
fn what_only_tests_use_is_a_dev_dependency() {
    let code = "#[cfg(test)] mod tests { use serde_json::json; }";
    let found = problems(every_dependency_is_used(&with_dependency(
        "a",
        code,
        "serde-json",
        false,
    )));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(every_dependency_is_used(&with_dependency("a", code, "serde-json", true)).is_empty());
}
