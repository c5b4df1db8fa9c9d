//! The controller program; everything is in the library.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use ferrolb_controller::args::Args;
use ferrolb_controller::error::Error;
use ferrolb_core::text::Chain;
use ferrolb_runtime::http::probe;
use ferrolb_runtime::{kube, logs, shutdown};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(exit) = probe::run(&args.common) {
        return exit;
    }
    if let Err(error) = logs::init(&args.common) {
        Args::command()
            .error(ErrorKind::ValueValidation, error)
            .exit();
    }
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %Chain(&error), "the controller failed");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Error> {
    let cancel = shutdown::on_signal().map_err(Error::Signals)?;
    let client = kube::client().await?;
    ferrolb_controller::run(args, client, cancel).await
}
