//! `make bench-answers`: how fast the responder's thread answers ARP on a veth
//! link, with idle and with busy processors.

mod bench;
mod client;

use std::time::Duration;

use anyhow::Result;
use ferrolb_lab::{interrupt, netns};

use self::bench::Bench;
use self::client::{Pattern, Sample};
use crate::busy::Busy;
use crate::figures::{Figures, Table};
use crate::say;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct AnswersArgs {
    /// Seconds for each row of the table.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Measures every request pattern, idle and busy, and prints the table.
pub(crate) fn run(args: &AnswersArgs) -> Result<()> {
    interrupt::watch()?;
    let time = Duration::from_secs(args.seconds);
    let bench = Bench::new()?;
    let head = [
        "load",
        "requests",
        "answers/s",
        "p50 µs",
        "p99 µs",
        "max µs",
        "lost",
    ];
    let mut table = Table::new(2, &head);
    for (load, busy) in [("idle", false), ("all processors busy", true)] {
        let _busy = busy.then(Busy::everywhere);
        for (requests, pattern) in [
            ("1,000 a second", Pattern::Paced(Duration::from_millis(1))),
            ("1 outstanding", Pattern::Outstanding(1)),
            ("64 outstanding", Pattern::Outstanding(64)),
        ] {
            interrupt::check()?;
            let ips = bench.ips();
            let sample = netns::enter(bench.client(), || client::probe(&ips, pattern, time))??;
            table.row(cells(load, requests, &sample));
        }
    }
    for line in table.lines() {
        say::print(&line);
    }
    Ok(())
}

fn cells(load: &str, requests: &str, sample: &Sample) -> Vec<String> {
    let mut cells = vec![load.to_owned(), requests.to_owned()];
    if let Some(figures) = Figures::of(&sample.microseconds) {
        let values = [sample.rate(), figures.median, figures.p99, figures.max];
        cells.extend(values.map(|value| format!("{value:.0}")));
        cells.push(sample.lost.to_string());
    }
    cells
}
