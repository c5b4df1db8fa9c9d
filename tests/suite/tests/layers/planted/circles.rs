//! Circles of imports are found at each level, whichever way the arrow is written.

use super::{problems, workspace};
use crate::rules::circles::no_modules_import_each_other;

/// How `a` may name something in its sibling `b`.
const ARROWS: [&str; 10] = [
    "use crate::b::B;",
    "use super::b::B;",
    "use super::{b::B as Other};",
    "use super::b; fn f() { b::B; }",
    "use crate::B;",
    "use crate::*; fn f() { B; }\nuse crate::b::*;",
    "fn f() { crate::b::B; }",
    "fn f() -> Vec<super::b::B> { Vec::new() }",
    "fn f() { assert!(crate::b::B::is_ready()); }",
    "mod inner { use super::super::b::B; }",
];

fn tree(a: &str, b: &str) -> crate::workspace::Workspace {
    workspace(&[
        (
            "x/src/lib.rs",
            "//! X.\nmod a;\nmod b;\npub use b::B;\npub struct Shared;",
        ),
        ("x/src/a.rs", &format!("//! A.\n{a}\npub struct A;")),
        ("x/src/b.rs", &format!("//! B.\n{b}\npub struct B;")),
    ])
}

#[test]
fn two_siblings_that_name_each_other_are_caught() {
    for a in ARROWS {
        let found = problems(no_modules_import_each_other(&tree(a, "use crate::a::A;")));
        assert_eq!(found.len(), 1, "{a}: {found:?}");
        assert!(found[0].starts_with("a, b import each other"), "{found:?}");
    }
}

#[test]
fn one_direction_is_no_circle() {
    for a in ARROWS {
        let found = problems(no_modules_import_each_other(&tree(a, "")));
        assert!(found.is_empty(), "{a}: {found:?}");
    }
}

#[test]
fn parent_and_child_may_name_each_other() {
    let found =
        no_modules_import_each_other(&tree("use crate::{B, Shared};", "use super::Shared;"));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_test_may_close_a_circle() {
    let test = "#[cfg(test)]\nmod tests { use crate::a::A; }";
    assert!(no_modules_import_each_other(&tree("use crate::b::B;", test)).is_empty());
}

#[test]
fn a_circle_of_three_folders_is_found_through_their_files() {
    let tree = workspace(&[
        ("x/src/lib.rs", "//! X.\nmod a;\nmod b;\nmod c;"),
        ("x/src/a/mod.rs", "//! A.\npub mod deep;"),
        (
            "x/src/a/deep.rs",
            "//! Deep.\nuse crate::b::deep::B;\npub struct A;",
        ),
        ("x/src/b/mod.rs", "//! B.\npub mod deep;"),
        (
            "x/src/b/deep.rs",
            "//! Deep.\nuse crate::c::C;\npub struct B;",
        ),
        (
            "x/src/c.rs",
            "//! C.\nuse crate::a::deep::A;\npub struct C;",
        ),
    ]);
    let found = problems(no_modules_import_each_other(&tree));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("a, b, c import each other"),
        "{found:?}"
    );
}

#[test]
fn a_circle_inside_of_a_folder_is_found() {
    let tree = workspace(&[
        ("x/src/lib.rs", "//! X.\nmod folder;"),
        (
            "x/src/folder/mod.rs",
            "//! Folder.\nmod a;\nmod b;\npub use a::A;",
        ),
        (
            "x/src/folder/a.rs",
            "//! A.\nuse super::b::B;\npub struct A;",
        ),
        ("x/src/folder/b.rs", "//! B.\nuse super::A;\npub struct B;"),
    ]);
    let found = no_modules_import_each_other(&tree);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, "ferrolb_x::folder");
}
