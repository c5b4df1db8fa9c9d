//! Benchmarks: how fast addresses are assigned, how long a failed owner interrupts
//! clients, how fast ARP is answered, what an idle speaker uses, and whether a
//! busy, lossy LAN causes needless takeovers. Each prints a report and asserts
//! nothing.

mod answers;
mod assign;
mod busy;
mod engine;
mod failover;
mod figures;
mod lab_lock;
mod manifests;
mod members;
mod proc;
mod rest;
mod say;
mod scrape;
mod soak;
mod testbed;
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
    /// Addresses assigned per second, compared with the API server alone.
    Assign(assign::AssignArgs),
    /// Interruption of a client when an owner fails (root).
    Failover(failover::FailoverArgs),
    /// Latency and rate of ARP answers (root).
    Answers(answers::AnswersArgs),
    /// CPU, memory and traffic of idle speakers (root).
    Rest(rest::RestArgs),
    /// Needless takeovers on a busy, lossy LAN (root).
    Soak(soak::SoakArgs),
    /// How long one change keeps the engine busy.
    Engine(engine::EngineArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().what {
        What::Assign(args) => assign::run(&args),
        What::Failover(args) => failover::run(&args),
        What::Answers(args) => answers::run(&args),
        What::Rest(args) => rest::run(&args),
        What::Soak(args) => soak::run(&args),
        What::Engine(args) => engine::run(&args),
    };
    if let Err(error) = result {
        say::note(&format!("{error:#}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
