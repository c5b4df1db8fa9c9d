//! `make bench-rest`: what an idle speaker uses, by the number of speakers.

use std::time::{Duration, Instant};

use anyhow::Result;
use ferrolb_lab::interrupt;

use crate::figures::{Figures, Table};
use crate::members::{Members, Rig};
use crate::proc::Usage;
use crate::say;

/// What IP and UDP headers add to a datagram, in bytes.
const HEADERS: f64 = 28.0;
/// How long a new cluster is left alone before it is measured.
const WARM_UP: Duration = Duration::from_secs(15);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct RestArgs {
    /// Numbers of speakers, separated by commas; at most 38.
    #[arg(long, value_delimiter = ',', default_values_t = [3, 10, 30],
          value_parser = clap::value_parser!(u8).range(1..=38))]
    members: Vec<u8>,
    /// Seconds for each measurement.
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
        pause(WARM_UP)?;
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
    let before = read(members)?;
    pause(time)?;
    let after = read(members)?;
    let seconds = start.elapsed().as_secs_f64();
    let rate = |of: fn(&Counters) -> f64| -> Vec<f64> {
        let pairs = before.iter().zip(&after);
        pairs.map(|(a, b)| (of(b) - of(a)) / seconds).collect()
    };
    Ok(Used {
        cpu: rate(|it| it.usage.seconds * 100.0),
        datagrams: rate(|it| it.datagrams),
        bytes: rate(|it| it.bytes),
        resident: after.iter().map(|it| it.usage.resident).collect(),
    })
}

/// The counters of a speaker.
struct Counters {
    usage: Usage,
    datagrams: f64,
    bytes: f64,
}

fn read(members: &Members<'_>) -> Result<Vec<Counters>> {
    let metrics = members.metrics()?;
    let pids = members.pids().into_iter();
    pids.zip(metrics)
        .map(|(pid, metrics)| {
            let payload = metrics.sum("ferrolb_speaker_gossip_bytes_total", "direction=\"sent\"");
            let datagrams = metrics.sum(
                "ferrolb_speaker_gossip_datagrams_total",
                "direction=\"sent\"",
            );
            Ok(Counters {
                usage: Usage::of(pid)?,
                datagrams,
                bytes: payload + HEADERS * datagrams,
            })
        })
        .collect()
}

/// Lets time pass, until interrupted.
pub(crate) fn pause(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        interrupt::check()?;
        std::thread::sleep(left.min(Duration::from_millis(200)));
    }
    Ok(())
}
