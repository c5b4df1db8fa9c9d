//! Benchmarks: how fast addresses are assigned, how long an owner's failure is
//! felt, how fast the wire is answered, what a speaker costs at rest, and
//! whether a busy, lossy LAN makes anybody take over without need. Each prints
//! a report and asserts nothing.

mod answers;
mod assign;
mod busy;
mod engine;
mod failover;
mod figures;
mod ground;
mod manifests;
mod members;
mod place;
mod proc;
mod rest;
mod say;
mod scrape;
mod soak;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures `FerroLB`.
#[derive(Debug, Parser)]
#[command(name = "ferrolb-bench")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Addresses assigned per second, beside the API server's floor.
    Assign(assign::AssignArgs),
    /// How long a client is not answered when an owner fails (root).
    Failover(failover::FailoverArgs),
    /// How fast the responder answers ARP (root).
    Answers(answers::AnswersArgs),
    /// What a speaker uses at rest (root).
    Rest(rest::RestArgs),
    /// Whether anybody takes over without need on a busy, lossy LAN (root).
    Soak(soak::SoakArgs),
    /// How long one change keeps the engine busy.
    Engine(engine::EngineArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Assign(args) => assign::run(&args),
        What::Failover(args) => failover::run(&args),
        What::Answers(args) => answers::run(&args),
        What::Rest(args) => rest::run(&args),
        What::Soak(args) => soak::run(&args),
        What::Engine(args) => engine::run(&args),
    };
    if let Err(error) = done {
        say::note(&format!("{error:#}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
