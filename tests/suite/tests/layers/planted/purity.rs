//! Purity: every form of a path is seen, and only where the head says `Pure`.

use super::{problems, workspace};
use crate::rules::purity::{
    pure_files_name_no_input_or_output, pure_files_use_pure_files, pure_modules_say_so,
    the_core_names_nothing_that_acts,
};

/// Code, and the word that makes it impure.
const CAUGHT: [(&str, &str); 41] = [
    ("use tokio::sync::mpsc;", "tokio"),
    ("use tokio;", "tokio"),
    ("use ::tokio::sync;", "tokio"),
    ("use tokio as runtime;", "tokio"),
    ("extern crate tokio;", "tokio"),
    ("extern crate tokio as runtime;", "tokio"),
    ("use {serde::Serialize, tokio::time};", "tokio"),
    ("pub use std::fs;", "std::fs"),
    ("use std::{collections::BTreeMap, fs};", "std::fs"),
    (
        "use std::{collections::{BTreeMap, BTreeSet}, net::{IpAddr, UdpSocket}};",
        "std::net::UdpSocket",
    ),
    (
        "use std::{self as library}; fn f() { library::fs::read(\"a\"); }",
        "std::fs",
    ),
    (
        "use std as library; fn f() { library::fs::read(\"a\"); }",
        "std::fs",
    ),
    (
        "use std::fs as disk; fn f() { disk::read(\"a\"); }",
        "std::fs",
    ),
    ("use std::*; fn f() { fs::read(\"a\"); }", "std::env"),
    ("use std::env::*;", "std::env"),
    ("use std::env::var as name;", "std::env"),
    ("fn f() { use std::process::Command; }", "std::process"),
    ("fn f() { std::thread::sleep(PAUSE); }", "std::thread"),
    (
        "fn f(path: &str) -> std::fs::File { open(path) }",
        "std::fs",
    ),
    ("struct Reader { file: Option<std::fs::File> }", "std::fs"),
    ("impl From<std::env::VarError> for Error {}", "std::env"),
    ("fn f() { Vec::<std::fs::File>::new(); }", "std::fs"),
    (
        "fn f() { let now = std::time::Instant::now(); }",
        "Instant::now",
    ),
    (
        "use std::time::Instant; fn f() { Instant::now(); }",
        "Instant::now",
    ),
    (
        "use std::time::Instant as Clock; fn f() { Clock::now(); }",
        "Instant::now",
    ),
    (
        "use std::time::*; fn f() { Instant::now(); }",
        "std::time::SystemTime",
    ),
    (
        "type Clock = std::time::Instant; fn f() { Clock::now(); }",
        "Instant::now",
    ),
    (
        "use std::time::Instant; fn f() { None.unwrap_or_else(Instant::now); }",
        "Instant::now",
    ),
    ("fn f() { <std::time::Instant>::now(); }", "Instant::now"),
    (
        "fn f() { <std::time::Instant as Clock>::now(); }",
        "Instant::now",
    ),
    (
        "use k8s_openapi::jiff::Timestamp; fn f() { Timestamp::now(); }",
        "Timestamp::now",
    ),
    (
        "fn f(since: Instant) -> Duration { since.elapsed() }",
        "the clock with .elapsed()",
    ),
    (
        "fn f() { assert!(std::env::var(\"A\").is_ok()); }",
        "std::env",
    ),
    (
        "fn f() { println!(\"{}\", tracing::enabled()); }",
        "tracing",
    ),
    (
        "macro_rules! m { () => { std::fs::read(\"a\") }; }",
        "std::fs",
    ),
    ("fn f() { select! { use tokio::{sync, time}; } }", "tokio"),
    ("#[tokio::main] fn f() {}", "tokio"),
    ("#[serde(with = \"nix::mode\")] struct Mode;", "nix"),
    ("use kube::{Client, ResourceExt};", "kube::Client"),
    ("use kube::api::{Api, ObjectMeta};", "kube::api::Api"),
    (
        "mod inner { fn f() { socket2::Socket::new(); } }",
        "socket2",
    ),
];

/// Code that is pure.
const ALLOWED: [&str; 12] = [
    "use std::time::{Duration, Instant}; fn f(now: Instant) -> Instant { now + Duration::ZERO }",
    "use std::net::{IpAddr, SocketAddr};",
    "use kube::ResourceExt; use kube::api::ObjectMeta;",
    "// use tokio::sync;\n/// [`tokio::sync`]\nfn f() {}",
    "const TEXT: &str = \"std::fs::read\";",
    "fn f(tokio: u8, nix: u8) -> u8 { tokio + nix }",
    "fn f(a: &A) -> u8 { a.env.fs + a.process() }",
    "fn now() {} fn f() { now(); clock.now(); }",
    "#[cfg(test)] mod tests { use std::fs; }",
    "#[cfg(test)] use std::fs; #[cfg(test)] fn helper() { tokio::spawn(a); }",
    "struct A; impl A { #[cfg(test)] fn test() { std::env::var(\"A\"); } }",
    "fn f(range: Range) { for _ in 0..range.end {} }",
];

#[test]
fn every_form_of_an_impure_path_is_caught() {
    for (code, word) in CAUGHT {
        let tree = workspace(&[("a/src/lib.rs", &format!("//! Values. Pure.\n\n{code}"))]);
        let found = problems(pure_files_name_no_input_or_output(&tree));
        let caught = found.iter().any(|problem| problem.ends_with(word));
        assert!(caught, "{code}: {found:?}");
    }
}

#[test]
fn pure_code_is_left_alone() {
    for code in ALLOWED {
        let tree = workspace(&[("a/src/lib.rs", &format!("//! Values. Pure.\n\n{code}"))]);
        let found = problems(pure_files_name_no_input_or_output(&tree));
        assert!(found.is_empty(), "{code}: {found:?}");
    }
}

#[test]
fn async_code_is_not_pure() {
    for code in [
        "async fn f() {}",
        "fn f() { async { 1 }; }",
        "fn f() { g().await; }",
    ] {
        let tree = workspace(&[("a/src/lib.rs", &format!("//! Pure.\n{code}"))]);
        let found = problems(pure_files_name_no_input_or_output(&tree));
        assert_eq!(found, ["is pure, but has async code"], "{code}");
    }
}

#[test]
fn a_re_export_hides_nothing() {
    let tree = workspace(&[
        (
            "a/src/lib.rs",
            "//! A.\nmod rules;\nmod time { pub use std::time::Instant; }",
        ),
        (
            "a/src/rules.rs",
            "//! Pure.\nuse crate::time::Instant;\nfn f() { Instant::now(); }",
        ),
    ]);
    let found = problems(pure_files_name_no_input_or_output(&tree));
    assert_eq!(found, ["is pure, but names Instant::now"]);
}

#[test]
fn the_word_in_the_head_decides_and_children_inherit_it() {
    let impure = "use std::fs;";
    let cases = [
        ("//! Values.", "//! Values.", 0),
        ("//! Purely practical.", "//! Values.", 0),
        ("//! Values. Pure.", "//! Values.", 1),
        ("//! Values. Pure: nothing\n//! else.", "//! Values.", 1),
        ("//! Values. Pure.", "//! The files. Not pure.", 0),
        ("//! Values.", "//! Pure.", 1),
    ];
    for (parent, child, expected) in cases {
        let tree = workspace(&[
            ("a/src/lib.rs", "//! A.\nmod parent;"),
            ("a/src/parent/mod.rs", &format!("{parent}\nmod child;")),
            ("a/src/parent/child.rs", &format!("{child}\n{impure}")),
        ]);
        let found = problems(pure_files_name_no_input_or_output(&tree));
        assert_eq!(found.len(), expected, "{parent} / {child}: {found:?}");
    }
}

#[test]
fn tests_of_a_pure_file_may_do_anything() {
    let tree = workspace(&[
        ("a/src/lib.rs", "//! Pure.\n#[cfg(test)]\nmod tests;"),
        ("a/src/tests.rs", "//! Tests.\nuse std::fs;\nmod more;"),
        ("a/src/tests/more.rs", "//! More.\nuse std::env;"),
    ]);
    assert!(pure_files_name_no_input_or_output(&tree).is_empty());
}

#[test]
fn a_pure_file_uses_no_module_that_is_not() {
    let tree = |code: &str| {
        workspace(&[
            (
                "a/src/lib.rs",
                "//! A.\npub mod disk;\npub mod rules;\npub use disk::Store;",
            ),
            ("a/src/disk.rs", "//! Files.\npub struct Store;"),
            ("a/src/rules.rs", &format!("//! Pure.\n{code}")),
            ("b/src/lib.rs", "//! Sockets.\npub fn send() {}"),
        ])
    };
    let caught = [
        "use crate::disk::Store;",
        "use crate::{disk::{self, Store}};",
        "use super::disk as store; fn f() { store::Store; }",
        "use crate::Store;",
        "fn f() { crate::disk::Store; }",
        "fn f() { ferrolb_b::send(); }",
    ];
    for code in caught {
        let found = problems(pure_files_use_pure_files(&tree(code)));
        assert_eq!(found.len(), 1, "{code}: {found:?}");
    }
    for code in [
        "use self::own::A; mod own { pub struct A; }",
        "use serde::Serialize;",
    ] {
        assert!(pure_files_use_pure_files(&tree(code)).is_empty(), "{code}");
    }
}

#[test]
fn the_core_may_not_name_what_acts() {
    let tree = |code: &str| {
        workspace(&[
            (
                "speaker/src/lib.rs",
                "//! S.\npub mod layer2;\npub mod metrics;\npub mod wire;",
            ),
            ("speaker/src/metrics.rs", "//! M.\npub struct Counter;"),
            ("speaker/src/wire.rs", "//! Pure.\npub struct Frame;"),
            ("speaker/src/layer2/mod.rs", "//! L.\npub mod agent;"),
            ("speaker/src/layer2/agent/mod.rs", "//! Pure.\nmod poll;"),
            (
                "speaker/src/layer2/agent/poll.rs",
                &format!("//! Polls.\n{code}"),
            ),
        ])
    };
    for code in [
        "use crate::metrics::Counter;",
        "use crate::{metrics::{Counter as C}, wire};",
        "fn f() { crate::metrics::Counter; }",
        "use ferrolb_runtime::ready::Guard;",
    ] {
        assert_eq!(
            the_core_names_nothing_that_acts(&tree(code)).len(),
            1,
            "{code}"
        );
    }
    let allowed = "use crate::wire::Frame;";
    assert!(the_core_names_nothing_that_acts(&tree(allowed)).is_empty());
}

#[test]
fn a_module_that_must_be_pure_may_not_lose_the_word() {
    let missing = |head: &str| {
        let tree = workspace(&[("shared/core/src/lib.rs", head)]);
        let mut missing = pure_modules_say_so(&tree).into_iter();
        missing.any(|found| found.place == "shared/core/src/lib.rs")
    };
    assert!(missing("//! Names."));
    assert!(!missing("//! Names. Pure."));
}
