//! Orphans and files without a head.

use super::workspace;
use crate::rules::files::{every_file_has_a_head, every_file_is_declared};

#[test]
fn a_file_that_no_module_declares_is_caught() {
    let tree = workspace(&[
        (
            "a/src/lib.rs",
            "//! A.\nmod b;\nmod inner { mod deep; }\n// mod orphan;",
        ),
        ("a/src/b.rs", "//! B.\n#[cfg(test)]\nmod tests;"),
        ("a/src/b/tests.rs", "//! Tests."),
        ("a/src/inner/deep.rs", "//! Deep."),
        ("a/src/orphan.rs", "//! Orphan."),
        ("a/src/b/orphan.rs", "//! Orphan."),
    ]);
    let found = every_file_is_declared(&tree);
    let places: Vec<_> = found.iter().map(|found| found.place.as_str()).collect();
    assert_eq!(places, ["a/src/b/orphan.rs", "a/src/orphan.rs"]);
}

#[test]
fn a_file_without_a_head_is_caught() {
    for text in ["", "use std::fmt;", "// A.", "\n//! A.", "//!"] {
        let tree = workspace(&[("a/src/lib.rs", text)]);
        assert_eq!(every_file_has_a_head(&tree).len(), 1, "{text}");
    }
    let tree = workspace(&[("a/src/lib.rs", "//! A.")]);
    assert!(every_file_has_a_head(&tree).is_empty());
}
