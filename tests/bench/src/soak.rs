//! `make soak`: many speakers on a LAN that loses frames, with all processors busy,
//! for a long time. Nothing fails, so there should be no takeovers.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrolb_lab::lab::Lab;
use ferrolb_lab::plan::{self, Network};
use ferrolb_lab::{interrupt, netns, observe, run as program};

use crate::busy::Busy;
use crate::manifests::SERVICES;
use crate::members::{Members, Rig};
use crate::rest::pause;
use crate::say;
use crate::scrape::Metrics;
use crate::wire::observed;
use crate::wire::watcher::{Watch, Watcher};

/// How often an interim report is printed.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// The time between two requests for one IP.
const EVERY: Duration = Duration::from_millis(25);

/// How to soak.
#[derive(Debug, clap::Args)]
pub(crate) struct SoakArgs {
    /// Duration in minutes.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Number of speakers, at most 38.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(2..=38))]
    members: u8,
    /// Percentage of frames that the LAN drops at random.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=50))]
    loss: u8,
    /// Leave the processors to the speakers.
    #[arg(long)]
    idle: bool,
}

/// Counts so far. Suspicions are normal on such a LAN, and a stalled speaker must
/// be mute; everything else should be 0.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    failovers: f64,
    others: f64,
    withdrawals: f64,
    suspicions: f64,
    stalls: f64,
    contested: usize,
}

/// Soaks, prints interim reports, and prints the final one.
pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    let rig = Rig::up(args.members)?;
    let members = rig.members(args.members)?;
    let watchers = watchers(&rig.lab)?;
    lose(&rig.lab, args.loss)?;
    let _busy = (!args.idle).then(Busy::everywhere);
    let before = count(&members.metrics()?);
    let end = Instant::now() + Duration::from_secs(args.minutes * 60);
    let mut contested = 0;
    let mut now = Count::default();
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let since = Instant::now();
        // Also after an interrupt, the counts are printed.
        let passed = pause(left.min(REPORT_INTERVAL));
        contested += watchers
            .iter()
            .map(|watcher| observed::contested(&watcher.since(since)))
            .sum::<usize>();
        now = since_start(&before, &count_with_retries(&members)?, contested);
        say::note(&sentence(&now));
        if passed.is_err() {
            break;
        }
    }
    say::print(&format!(
        "{} speakers, {} % loss, processors {}, {} minutes: {}",
        args.members,
        args.loss,
        if args.idle { "idle" } else { "busy" },
        args.minutes,
        sentence(&now)
    ));
    interrupt::check()?;
    Ok(())
}

/// The speakers' counters; on a LAN that loses frames reading may fail at first.
fn count_with_retries(members: &Members<'_>) -> Result<Count> {
    let all = ferrolb_lab::wait::until("the speakers' metrics", REPORT_INTERVAL, || {
        members.metrics().map_err(|error| format!("{error:#}"))
    })?;
    Ok(count(&all))
}

fn count(all: &[Metrics]) -> Count {
    let sum = |name: &str, labels: &str| all.iter().map(|one| one.sum(name, labels)).sum::<f64>();
    let takeovers = "ferrolb_speaker_takeovers_total";
    let failovers = sum(takeovers, "cause=\"failover\"");
    Count {
        failovers,
        others: sum(takeovers, "") - failovers,
        withdrawals: sum("ferrolb_speaker_withdrawals_total", ""),
        suspicions: sum("ferrolb_speaker_suspicions_total", ""),
        stalls: sum("ferrolb_speaker_stalls_total", ""),
        contested: 0,
    }
}

fn since_start(before: &Count, now: &Count, contested: usize) -> Count {
    Count {
        failovers: now.failovers - before.failovers,
        others: now.others - before.others,
        withdrawals: now.withdrawals - before.withdrawals,
        suspicions: now.suspicions - before.suspicions,
        stalls: now.stalls - before.stalls,
        contested,
    }
}

fn sentence(count: &Count) -> String {
    format!(
        "{} failovers, {} other takeovers, {} withdrawals, {} suspicions, {} stalls, \
         {} requests answered by two hosts",
        count.failovers,
        count.others,
        count.withdrawals,
        count.suspicions,
        count.stalls,
        count.contested
    )
}

/// One watcher per IP.
fn watchers(lab: &Lab) -> Result<Vec<Watcher>> {
    let ip = |number| -> Result<Ipv4Addr> {
        Ok(observe::wait_for_ip(
            lab,
            "default",
            &format!("rest-{number}"),
        )?)
    };
    (1..=SERVICES)
        .map(|number| {
            Watcher::start(Watch {
                namespace: lab.lan_namespace(),
                nic: Network::Lan.bridge().to_owned(),
                from: Network::Lan.v4(plan::GATEWAY).parse()?,
                ip: ip(number)?,
                every: EVERY,
            })
        })
        .collect()
}

/// Makes the bridge drop frames at random.
fn lose(lab: &Lab, percent: u8) -> Result<()> {
    let rules = format!(
        "table bridge soak {{ chain lose {{ type filter hook prerouting priority 0; \
         numgen random mod 100 < {percent} counter drop; }}; }}\n"
    );
    let mut nft = netns::exec(&lab.lan_namespace(), ["nft", "-f", "-"]);
    program::with_input(&mut nft, &rules).context("cannot make the LAN lose frames")?;
    Ok(())
}
