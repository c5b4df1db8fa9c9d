//! `make bench-answers`: how fast the responder's own thread answers ARP on a
//! veth link, idle and with every processor busy.

mod asker;
mod bench;

use std::time::Duration;

use anyhow::Result;
use ferrolb_lab::{interrupt, netns};

use self::asker::{Asked, Way};
use self::bench::Bench;
use crate::busy::Busy;
use crate::figures::{Figures, Table};
use crate::say;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct AnswersArgs {
    /// Seconds for each line of the table.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Measures every way of asking, idle and busy, and prints the table.
pub(crate) fn run(args: &AnswersArgs) -> Result<()> {
    interrupt::watch()?;
    let time = Duration::from_secs(args.seconds);
    let bench = Bench::new()?;
    let head = [
        "load",
        "asked",
        "answers/s",
        "p50 µs",
        "p99 µs",
        "max µs",
        "lost",
    ];
    let mut table = Table::new(2, &head);
    for (load, busy) in [("idle", false), ("every processor busy", true)] {
        let _busy = busy.then(Busy::everywhere);
        for (asked, way) in [
            ("1,000 a second", Way::Paced(Duration::from_millis(1))),
            ("1 outstanding", Way::Outstanding(1)),
            ("64 outstanding", Way::Outstanding(64)),
        ] {
            interrupt::check()?;
            let ips = bench.ips();
            let told = netns::enter(bench.client(), || asker::ask(&ips, way, time))??;
            table.row(cells(load, asked, &told));
        }
    }
    for line in table.lines() {
        say::print(&line);
    }
    Ok(())
}

fn cells(load: &str, asked: &str, told: &Asked) -> Vec<String> {
    let mut cells = vec![load.to_owned(), asked.to_owned()];
    if let Some(figures) = Figures::of(&told.microseconds) {
        let values = [told.rate(), figures.median, figures.p99, figures.max];
        cells.extend(values.map(|value| format!("{value:.0}")));
        cells.push(told.lost.to_string());
    }
    cells
}
