//! Pure files hold what they promise.
//!
//! A file whose head (its `//!` lines) has the word `Pure` is pure, and so are the
//! modules below it, unless their own head says `Not pure`. A pure file gets values
//! and returns values; time is passed in. So it names no runtime, clock, file, process,
//! thread, socket, random number, API client, log or metric, in whatever form the path
//! is written, and nothing in it is `async`. It names no module of ours that does such
//! things either: what it uses of our crates is pure, or one of the few plain types in
//! [`PLAIN`].

use super::{Use, Violation, is_below};
use crate::workspace::{Place, Workspace};

/// Paths that do input or output, and everything below them.
const IMPURE: [&str; 36] = [
    "async_trait",
    "axum",
    "chitchat",
    "getrandom",
    "kube::Api",
    "kube::Client",
    "kube::Config",
    "kube::api::Api",
    "kube::client",
    "kube::config",
    "kube::runtime",
    "nix",
    "prometheus",
    "rand::random",
    "rand::rng",
    "rand::rngs::ThreadRng",
    "rtnetlink",
    "signal_hook",
    "socket2",
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::sync::mpsc",
    "std::thread",
    "std::time::SystemTime",
    "tokio",
    "tokio_util",
    "tracing",
    "tracing_subscriber",
];

/// Reading a clock, whichever crate the type is from.
const CLOCKS: [&str; 4] = [
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// The method that reads the clock.
const READS_CLOCK: &str = "elapsed";

/// Modules that are pure by design. They must say so, so that nobody takes the word
/// out of a head to get past the rule.
const MUST_BE_PURE: [&str; 9] = [
    "shared/core/src/lib.rs",
    "controller/src/allocator/mod.rs",
    "controller/src/decide/mod.rs",
    "controller/src/lease.rs",
    "controller/src/reconcile/mod.rs",
    "speaker/src/eligibility/mod.rs",
    "speaker/src/layer2/agent/mod.rs",
    "speaker/src/layer2/election/mod.rs",
    "speaker/src/layer2/wire/mod.rs",
];

/// The speaker's pure core, which the suite `sim` runs as it ships.
const CORE: &str = "speaker/src/layer2/agent/mod.rs";

/// What the core may not name either: whatever carries out what it decides.
const BEYOND_CORE: [&str; 6] = [
    "ferrolb_runtime",
    "ferrolb_speaker::engine",
    "ferrolb_speaker::k8s",
    "ferrolb_speaker::layer2::io",
    "ferrolb_speaker::metrics",
    "ferrolb_speaker::report::l2_status::writer",
];

/// Plain values that live beside input and output.
const PLAIN: [(&str, &str); 7] = [
    ("ferrolb_lab::options", "settings as values"),
    ("ferrolb_lab::pki::Pki", "names of files as values"),
    (
        "ferrolb_runtime::kube::events::EventNote",
        "an Event as a value",
    ),
    (
        "ferrolb_runtime::kube::events::reference",
        "makes a value of an object",
    ),
    (
        "ferrolb_runtime::kube::watch::object_key",
        "makes a key of an object",
    ),
    (
        "ferrolb_controller::k8s::cluster_ranges::ranges",
        "makes values of an object",
    ),
    (
        "ferrolb_controller::k8s::input::Input",
        "a message as a value",
    ),
];

/// Whether a module is pure.
pub(crate) fn is_pure(workspace: &Workspace, node: usize) -> bool {
    let says = |head: &str| match (has(head, "Not pure"), has(head, "Pure")) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    };
    let mut heads = workspace.lineage(node).into_iter();
    heads
        .find_map(|node| says(&workspace.nodes[node].head))
        .unwrap_or(false)
}

/// Whether a head has these words, as words.
fn has(head: &str, words: &str) -> bool {
    let head = head.replace('\n', " ");
    head.match_indices(words).any(|(at, _)| {
        let before = head[..at].chars().next_back();
        let after = head[at + words.len()..].chars().next();
        let is_letter = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        !is_letter(before) && !is_letter(after)
    })
}

/// Pure files name no input or output.
pub(crate) fn pure_files_name_no_input_or_output(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for node in workspace.shipped().filter(|&node| is_pure(workspace, node)) {
        let code = &workspace.nodes[node].module.code;
        let mut add = |line, problem| {
            let file = &workspace.nodes[node].file;
            violations.push(Violation::new(file, line, problem));
        };
        for used in workspace.uses(node) {
            if let Some(word) = forbidden(&used, &IMPURE).or_else(|| clock(&used)) {
                add(used.line, format!("is pure, but names {word}"));
            }
        }
        for (method, line) in &code.bare_calls {
            if method == READS_CLOCK {
                add(
                    *line,
                    format!("is pure, but reads the clock with .{method}()"),
                );
            }
        }
        for line in &code.suspends {
            add(*line, "is pure, but has async code".to_owned());
        }
    }
    violations
}

/// The pure core names nothing that carries out what it decides.
pub(crate) fn the_core_names_nothing_that_acts(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for node in workspace.shipped() {
        let file = &workspace.nodes[node].file;
        if !is_below(file, CORE) {
            continue;
        }
        for used in workspace.uses(node) {
            let path = absolute(workspace, &used.to);
            if let Some(word) = BEYOND_CORE.iter().find(|word| starts_with(&path, word)) {
                let problem = format!("belongs to the pure core, but names {word}");
                violations.push(Violation::new(file, used.line, problem));
            }
        }
    }
    violations
}

/// Pure modules use pure modules.
pub(crate) fn pure_files_use_pure_files(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for node in workspace.shipped().filter(|&node| is_pure(workspace, node)) {
        for used in workspace.uses(node) {
            let Place::Ours(target, rest) = &used.to else {
                continue;
            };
            // A module alone is only the way to what is named in it.
            let is_way = rest.is_empty() || workspace.lineage(node).contains(target);
            let path = absolute(workspace, &used.to);
            let is_plain = PLAIN.iter().any(|(plain, _)| starts_with(&path, plain));
            if !is_way && !is_plain && !is_pure(workspace, *target) {
                let problem = format!("is pure, but names {}", path.join("::"));
                let file = &workspace.nodes[node].file;
                violations.push(Violation::new(file, used.line, problem));
            }
        }
    }
    violations
}

/// What must be pure says that it is.
pub(crate) fn pure_modules_say_so(workspace: &Workspace) -> Vec<Violation> {
    let missing = MUST_BE_PURE.iter().filter(|file| {
        let mut nodes = 0..workspace.nodes.len();
        !nodes.any(|node| workspace.nodes[node].file == **file && is_pure(workspace, node))
    });
    let problem = "is missing, or its head lacks the word Pure";
    missing
        .map(|file| Violation::new(file, 0, problem.to_owned()))
        .collect()
}

/// The word of a list that a path names.
fn forbidden<'a>(used: &Use, words: &[&'a str]) -> Option<&'a str> {
    let Place::Foreign(path) = &used.to else {
        return None;
    };
    let word = |word: &&&str| {
        let segments: Vec<&str> = word.split("::").collect();
        // `use std::*` brings all of it in.
        starts_with(path, word) || (used.is_glob && segments.starts_with(&as_strs(path)))
    };
    words.iter().find(word).copied()
}

fn clock(used: &Use) -> Option<&'static str> {
    let (Place::Foreign(path) | Place::Ours(_, path)) = &used.to;
    let reads = |clock: &&&str| {
        let clock: Vec<&str> = clock.split("::").collect();
        as_strs(path).windows(clock.len()).any(|part| part == clock)
    };
    CLOCKS.iter().find(reads).copied()
}

/// A path from its crate's root, the crate's name first.
fn absolute(workspace: &Workspace, place: &Place) -> Vec<String> {
    match place {
        Place::Foreign(path) => path.clone(),
        Place::Ours(node, rest) => {
            let path = workspace.nodes[*node].path.iter();
            path.chain(rest).cloned().collect()
        }
    }
}

fn starts_with(path: &[String], word: &str) -> bool {
    let word: Vec<&str> = word.split("::").collect();
    as_strs(path).starts_with(&word)
}

fn as_strs(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}
