//! `cargo xtask`: the tasks of this repository that need more than a shell. Reads the
//! command line; each task has its file.

mod crds;
mod deny;
mod images;

use std::io::Write;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Tasks of the FerroLB repository.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Generate config/crd from the types in shared/api.
    Crds,
    /// Build the images of controller and speaker as OCI archives and print their paths.
    Images,
    /// Check licences, banned crates and sources of all dependencies against deny.toml.
    Deny,
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Crds => crds::write(),
        Task::Images => images::build().and_then(|lines| print(&lines)),
        Task::Deny => deny::check().and_then(|summary| print(&summary)),
    }
}

fn print(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
