//! Fenced crates are seen in each form of a path.

use super::{problems, workspace};
use crate::rules::fences::{fences_are_not_out_of_date, only_named_files_touch_fenced_crates};

fn found_in(file: &str, code: &str) -> Vec<String> {
    let root = "//! S.\nmod gossip;\nmod other;";
    let folder = "//! G.\nmod cluster;";
    let text = format!("//! Planted.\n{code}");
    let mut files = vec![
        ("speaker/src/lib.rs", root),
        ("speaker/src/gossip/mod.rs", folder),
        ("speaker/src/gossip/cluster.rs", "//! C."),
        ("speaker/src/other.rs", "//! O."),
    ];
    files.retain(|(name, _)| *name != file);
    files.push((file, &text));
    problems(only_named_files_touch_fenced_crates(&workspace(&files)))
}

#[test]
fn a_fenced_crate_is_caught_outside_in_each_form() {
    for code in [
        "use chitchat::ChitchatId;",
        "use chitchat::{ChitchatId, transport::{Socket, Transport}};",
        "use chitchat as gossip;",
        "use {chitchat::ChitchatId, std::net::IpAddr};",
        "fn f(id: chitchat::ChitchatId) {}",
        "fn f() { assert!(chitchat::spawn()); }",
        "impl chitchat::transport::Transport for A {}",
        "use crate::gossip::chitchat::ChitchatId;",
        "mod inner { pub use chitchat::*; }",
    ] {
        let found = found_in("speaker/src/other.rs", code);
        assert_eq!(found.len(), 1, "{code}: {found:?}");
    }
}

#[test]
fn inside_of_its_fence_and_in_tests_a_crate_is_allowed() {
    let code = "use chitchat::ChitchatId;";
    assert!(found_in("speaker/src/gossip/cluster.rs", code).is_empty());
    let test = format!("#[cfg(test)] mod tests {{ {code} }}");
    assert!(found_in("speaker/src/other.rs", &test).is_empty());
    let words = "fn f(chitchat: u8) -> u8 { chitchat } // chitchat::spawn";
    assert!(found_in("speaker/src/other.rs", words).is_empty());
}

#[test]
fn a_fence_around_nothing_is_caught() {
    let tree = workspace(&[("speaker/src/lib.rs", "//! S.")]);
    let found = fences_are_not_out_of_date(&tree);
    assert!(
        found
            .iter()
            .any(|found| found.place == "speaker/src/gossip/cluster.rs")
    );
}
