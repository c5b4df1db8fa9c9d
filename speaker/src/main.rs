//! The program `ferrolb-speaker`.

use std::process::ExitCode;

use clap::Parser;
use ferrolb_core::text::Chain;
use ferrolb_speaker::args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = ferrolb_runtime::logs::init(&args.common) {
        return fail(&error);
    }
    match ferrolb_speaker::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(&error), "stopped");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "there is no log to write to")]
fn fail(error: &ferrolb_runtime::logs::LogError) -> ExitCode {
    eprintln!("ferrolb-speaker: {}", Chain(error));
    ExitCode::FAILURE
}
