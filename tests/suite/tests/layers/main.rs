//! The architecture as rules about the source. The files are parsed, so a rule sees
//! each form that a path can have. `rules` has the rules, one family a file; each test
//! here holds the tree to one of them, and `planted` holds each rule to texts that it
//! must catch and texts that it must leave alone.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "every line here is a test"
)]

mod known;
mod modules;
mod packages;
mod planted;
mod rules;
mod sources;
mod tokens;
mod workspace;

use std::sync::LazyLock;

use rules::{Violation, circles, dependencies, fences, files, purity, sizes};
use sources::Sources;
use workspace::Workspace;

static TREE: LazyLock<Workspace> = LazyLock::new(|| Workspace::of(Sources::of_this_workspace()));

/// Holds the tree to a rule, except for what `known` lists.
fn assert_none(rule: &str, find: impl Fn(&Workspace) -> Vec<Violation>) {
    let mut found = find(&TREE);
    found.sort();
    found.dedup_by(|a, b| (&a.place, &a.problem) == (&b.place, &b.problem));
    let known: Vec<_> = known::KNOWN
        .iter()
        .filter(|known| known.0 == rule)
        .collect();
    let is = |violation: &Violation, (_, place, problem): &(&str, &str, &str)| {
        violation.place == *place && violation.problem.starts_with(problem)
    };
    let new = found
        .iter()
        .filter(|violation| !known.iter().any(|known| is(violation, known)));
    let new: Vec<String> = new.map(ToString::to_string).collect();
    assert!(new.is_empty(), "{rule}:\n{}", new.join("\n"));
    for known in known {
        let is_there = found.iter().any(|violation| is(violation, known));
        assert!(
            is_there,
            "no longer there, remove it from `known`: {known:?}"
        );
    }
}

macro_rules! hold_the_tree_to {
    ($($family:ident::$rule:ident),* $(,)?) => {
        $(#[test]
        fn $rule() {
            assert_none(stringify!($rule), $family::$rule);
        })*
    };
}

hold_the_tree_to![
    circles::no_modules_import_each_other,
    dependencies::dependencies_point_one_way,
    dependencies::every_dependency_is_used,
    fences::fences_are_not_out_of_date,
    fences::only_named_files_touch_fenced_crates,
    files::every_file_has_a_head,
    files::every_file_is_declared,
    purity::pure_files_name_no_input_or_output,
    purity::pure_files_use_pure_files,
    purity::pure_modules_say_so,
    purity::the_core_names_nothing_that_acts,
    sizes::files_are_small,
    sizes::functions_are_short,
    sizes::structs_have_few_fields,
    sizes::types_have_few_methods,
];
