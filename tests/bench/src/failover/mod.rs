//! `make bench-failover`: a client sends a request every 2 ms while the owner of its
//! Service's IP fails in various ways; the table shows the interruptions, compared
//! with keepalived on the same LAN.

mod keepalived;
mod results;
mod rows;
mod setup;
mod trial;

use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;
use ferrolb_lab::{interrupt, tools};

use self::results::Results;
use self::rows::{Row, Setup};
use crate::say;
use crate::testbed::Testbed;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct FailoverArgs {
    /// Trials per row; rollouts and keepalived get a tenth of them.
    #[arg(long, default_value_t = 50)]
    trials: u32,
    /// Rows to measure, separated by commas [default: all].
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
}

/// Measures the rows and prints the table.
pub(crate) fn run(args: &FailoverArgs) -> Result<()> {
    let mut rows = match args.rows.as_slice() {
        [] => Row::value_variants().to_vec(),
        chosen => chosen.to_vec(),
    };
    // Rows with the same testbed follow each other.
    rows.sort();
    rows.dedup();
    if rows
        .iter()
        .any(|row| matches!(row.setup(), Setup::Keepalived(_)))
    {
        tools::require(&["keepalived"])?;
    }
    let mut table = results::table();
    let mut testbed = None;
    for row in rows {
        let results = measure(&mut testbed, row, row.trials(args.trials));
        results.write(row.label(), &mut table);
        if interrupt::happened() {
            break;
        }
    }
    drop(testbed);
    for line in table.lines() {
        say::print(&line);
    }
    interrupt::check()?;
    Ok(())
}

/// One row. After an error the testbed is dropped, so that the next row gets a new
/// one.
fn measure(testbed: &mut Option<Testbed>, row: Row, trials: u32) -> Results {
    let mut results = Results::default();
    if let Err(error) = attempts(testbed, row, trials, &mut results) {
        log_failure(row, &error);
        results.fail(format!("{error:#}"));
        *testbed = None;
    }
    results
}

fn attempts(
    slot: &mut Option<Testbed>,
    row: Row,
    trials: u32,
    results: &mut Results,
) -> Result<()> {
    if slot
        .as_ref()
        .is_none_or(|testbed| testbed.nodes() != row.nodes())
    {
        *slot = None;
    }
    let testbed = match slot {
        Some(testbed) => testbed,
        None => slot.insert(Testbed::up(row.nodes())?),
    };
    say::note(row.label());
    let prepared = setup::enter(testbed, row)?;
    for _ in 0..trials {
        let started = Instant::now();
        match prepared.environment.attempt(row.fault()) {
            Ok(values) => results.add(&values),
            Err(error) => {
                interrupt::check()?;
                log_failure(row, &error);
                results.fail(format!("{error:#}"));
            }
        }
        std::thread::sleep(row.gap().saturating_sub(started.elapsed()));
    }
    setup::leave(prepared, row)
}

fn log_failure(row: Row, error: &anyhow::Error) {
    say::note(&format!("{}: {error:#}", row.label()));
}
