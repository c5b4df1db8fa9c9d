//! The table of allocation cases on the pure core. The suite `api` plays the
//! same files on a real API server.

mod core;
mod table;

use futures::executor::block_on;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> Result<std::process::ExitCode, Failed> {
    let arguments = Arguments::from_args();
    let trial = |(file, case): (String, table::Case)| {
        Trial::test(format!("{file}: {}", case.claim), move || {
            block_on(table::play(&mut core::Core::new(), &case)).map_err(Failed::from)
        })
    };
    let trials = table::load()?.into_iter().map(trial).collect();
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
