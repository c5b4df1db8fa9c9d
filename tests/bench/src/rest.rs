//! `make bench-rest`: what a speaker uses when nothing happens, by the number
//! of speakers.

use std::time::{Duration, Instant};

use anyhow::Result;
use ferrolb_lab::interrupt;

use crate::figures::{Figures, Table};
use crate::members::{Members, Rig};
use crate::proc::Usage;
use crate::say;

/// What IP and UDP headers add to a datagram, in bytes.
const HEADERS: f64 = 28.0;
/// How long a fresh cluster is left alone before it is at rest.
const CALM: Duration = Duration::from_secs(15);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct RestArgs {
    /// Numbers of speakers, separated by commas; 38 is the most.
    #[arg(long, value_delimiter = ',', default_values_t = [3, 10, 30],
          value_parser = clap::value_parser!(u8).range(1..=38))]
    members: Vec<u8>,
    /// Seconds for each number.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Measures each number of speakers and prints the table.
pub(crate) fn run(args: &RestArgs) -> Result<()> {
    let rig = Rig::up(args.members.iter().copied().max().unwrap_or(1))?;
    let head = [
        "speakers", "CPU %", "max", "sent B/s", "max", "RSS MiB", "max",
    ];
    let mut table = Table::new(0, &head);
    for count in &args.members {
        let members = rig.members(*count)?;
        pause(CALM)?;
        let used = over(&members, Duration::from_secs(args.seconds))?;
        let mut cells = vec![count.to_string()];
        for (values, digits) in [
            (used.cpu, 2),
            (used.datagrams, 0),
            (used.bytes, 0),
            (used.resident, 1),
        ] {
            if let Some(figures) = Figures::of(&values) {
                cells.push(format!("{:.digits$}", figures.median));
                cells.push(format!("{:.digits$}", figures.max));
            }
        }
        say::note(&cells.join("  "));
        table.row(cells);
    }
    for line in table.lines() {
        say::print(&line);
    }
    Ok(())
}

/// One value for each speaker.
struct Used {
    /// Per cent of one processor.
    cpu: Vec<f64>,
    /// Gossip datagrams per second.
    datagrams: Vec<f64>,
    /// Their bytes per second with IP and UDP headers.
    bytes: Vec<f64>,
    /// MiB.
    resident: Vec<f64>,
}

fn over(members: &Members<'_>, time: Duration) -> Result<Used> {
    let start = Instant::now();
    let before = look(members)?;
    pause(time)?;
    let after = look(members)?;
    let seconds = start.elapsed().as_secs_f64();
    let rate = |of: fn(&Look) -> f64| -> Vec<f64> {
        let pairs = before.iter().zip(&after);
        pairs.map(|(a, b)| (of(b) - of(a)) / seconds).collect()
    };
    Ok(Used {
        cpu: rate(|look| look.usage.seconds * 100.0),
        datagrams: rate(|look| look.datagrams),
        bytes: rate(|look| look.bytes),
        resident: after.iter().map(|look| look.usage.resident).collect(),
    })
}

/// What a speaker has used so far.
struct Look {
    usage: Usage,
    datagrams: f64,
    bytes: f64,
}

fn look(members: &Members<'_>) -> Result<Vec<Look>> {
    let metrics = members.metrics()?;
    let pids = members.pids().into_iter();
    pids.zip(metrics)
        .map(|(pid, metrics)| {
            let payload = metrics.sum("ferrolb_speaker_gossip_bytes_total", "direction=\"sent\"");
            let datagrams = metrics.sum(
                "ferrolb_speaker_gossip_datagrams_total",
                "direction=\"sent\"",
            );
            Ok(Look {
                usage: Usage::of(pid)?,
                datagrams,
                bytes: payload + HEADERS * datagrams,
            })
        })
        .collect()
}

/// Lets time pass: here it is what is measured, not waited for.
pub(crate) fn pause(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        interrupt::check()?;
        std::thread::sleep(left.min(Duration::from_millis(200)));
    }
    Ok(())
}
