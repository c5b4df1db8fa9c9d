//! The architecture as claims about the source: what `ARCHITECTURE.md` says of
//! layers holds, or this fails and names the file.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "every line here is a test"
)]

mod modules;
mod source;

use std::path::{Path, PathBuf};

use source::{CRATES, code, is_test, names, read, root, rust_files};

/// Pure: values in, values out, time passed in.
const PURE: [&str; 32] = [
    "shared/core/src",
    "shared/runtime/src/kube/events/correlator.rs",
    "controller/src/allocator",
    "controller/src/decide",
    "controller/src/config",
    "controller/src/reconcile",
    "controller/src/lease.rs",
    "controller/src/service.rs",
    "speaker/src/layer2/announcer.rs",
    "speaker/src/layer2/prober.rs",
    "speaker/src/layer2/agent",
    "speaker/src/eligibility",
    "speaker/src/layer2/snapshot.rs",
    "speaker/src/host/interfaces.rs",
    "speaker/src/k8s/convert.rs",
    "speaker/src/report/l2_status/object.rs",
    "speaker/src/report/l2_status/plan.rs",
    "speaker/src/report/events.rs",
    "speaker/src/layer2/election",
    "speaker/src/layer2/links.rs",
    "speaker/src/layer2/gossip_keys.rs",
    "speaker/src/host/strict_arp.rs",
    "speaker/src/report/l2_status/mod.rs",
    "speaker/src/layer2/liveness",
    "speaker/src/layer2/liveness/monitor",
    "speaker/src/layer2/liveness/monitor.rs",
    "speaker/src/layer2/wire",
    "tests/bench/src/failover/results.rs",
    "tests/bench/src/failover/rows.rs",
    "tests/bench/src/figures",
    "tests/bench/src/manifests.rs",
    "tests/bench/src/wire/observed.rs",
];

/// What a pure file may not name.
const IMPURE: [&str; 13] = [
    "tokio",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "UdpSocket",
    "TcpStream",
    "kube::Client",
    "socket2",
    "nix",
];

/// What the whole speaker comes down to; the simulation runs it as it is.
const CORE: [&str; 1] = ["speaker/src/layer2/agent"];

/// What the core may not name either: whatever waits, tells, or is carried out.
const BEYOND_CORE: [&str; 12] = [
    "async",
    "await",
    "tracing",
    "prometheus",
    "chitchat",
    "Gossip",
    "crate::metrics",
    "crate::layer2::io",
    "crate::k8s",
    "crate::engine",
    "ferrolb_runtime",
    "mpsc",
];

/// Crates that only the named places touch.
const FENCED: [(&str, &[&str]); 6] = [
    (
        "chitchat",
        &[
            "speaker/src/gossip/cluster.rs",
            "speaker/src/gossip/transport.rs",
        ],
    ),
    ("rtnetlink", &["speaker/src/host/links.rs"]),
    ("netlink_packet_route", &["speaker/src/host/links.rs"]),
    ("pnet", &["speaker/src/layer2/wire/emit.rs"]),
    (
        "socket2",
        &[
            "speaker/src/gossip/udp.rs",
            "speaker/src/layer2/io/socket.rs",
            "tests/bench/src/wire/socket.rs",
        ],
    ),
    (
        "prometheus",
        &[
            "shared/runtime/src/metrics.rs",
            "speaker/src/metrics.rs",
            "controller/src/metrics.rs",
        ],
    ),
];

/// Which of our crates each crate may depend on.
const MAY_DEPEND: [(&str, &[&str]); 7] = [
    ("shared/api", &["ferrolb-core"]),
    ("shared/core", &[]),
    ("shared/runtime", &["ferrolb-core"]),
    (
        "controller",
        &["ferrolb-api", "ferrolb-core", "ferrolb-runtime"],
    ),
    (
        "speaker",
        &["ferrolb-api", "ferrolb-core", "ferrolb-runtime"],
    ),
    ("tests/echo", &[]),
    ("tests/lab", &["ferrolb-core"]),
];

fn program_files() -> impl Iterator<Item = PathBuf> {
    let all = CRATES
        .iter()
        .flat_map(|folder| rust_files(&format!("{folder}/src")));
    all.filter(|path| !is_test(path.strip_prefix("tests").unwrap_or(path)))
}

/// Whether a file is one of the places, in one of them, or a module of one.
fn is_below(path: &Path, places: &[&str]) -> bool {
    places
        .iter()
        .any(|place| path == Path::new(place) || path.starts_with(place.trim_end_matches(".rs")))
}

#[test]
fn pure_files_name_no_input_or_output() {
    assert_unnamed(&PURE, &IMPURE);
}

#[test]
fn the_core_names_nothing_that_waits_or_tells() {
    assert_unnamed(&CORE, &BEYOND_CORE);
}

fn assert_unnamed(places: &[&str], words: &[&str]) {
    for place in places {
        assert!(
            root().join(place).exists(),
            "{place} is gone; correct this list"
        );
    }
    for path in program_files().filter(|path| is_below(path, places)) {
        let code = code(&path);
        for word in words {
            assert!(
                !names(&code, word),
                "{} is pure, but names {word}",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_named_files_touch_fenced_crates() {
    for path in program_files() {
        let code = code(&path);
        for (word, places) in FENCED {
            let names_it = names(&code, &format!("{word}::"));
            assert!(
                !names_it || is_below(&path, places),
                "{} names {word}, which only {places:?} may",
                path.display()
            );
        }
    }
}

#[test]
fn no_file_is_orphaned() {
    let orphans = modules::orphans();
    assert!(orphans.is_empty(), "declared by no `mod` line: {orphans:?}");
}

#[test]
fn dependencies_point_one_way() {
    for (folder, allowed) in MAY_DEPEND {
        let manifest = read(&Path::new(folder).join("Cargo.toml"));
        let own = manifest.lines().filter(|line| line.starts_with("ferrolb-"));
        for line in own {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            assert!(allowed.contains(&name), "{folder} depends on {name}");
        }
    }
}

#[test]
fn every_file_says_what_lives_in_it() {
    let all = CRATES.iter().flat_map(|folder| rust_files(folder));
    for path in all {
        let first = read(&path);
        assert!(
            first.starts_with("//! "),
            "{} does not open with `//!`",
            path.display()
        );
    }
}

#[test]
fn no_file_is_too_large_to_know() {
    for path in CRATES.iter().flat_map(|folder| rust_files(folder)) {
        let lines = read(&path).lines().count();
        assert!(
            lines <= 400,
            "{} has {lines} lines; is there a seam?",
            path.display()
        );
    }
}
