//! Checks a claim with many seeds. A failure is reported with its seed and script;
//! `FERROLB_SIM_SEED` runs that seed alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::fault::Fault;
use crate::world::World;

const SEED: &str = "FERROLB_SIM_SEED";

/// How long after the last disturbance a violation may last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Two stations answer.
    pub(crate) two: Duration,
    /// No station answers although one could.
    pub(crate) none: Duration,
}

/// Checks a claim with the seeds from 1 to `seeds`.
pub(crate) fn on_seeds(seeds: u64, run: impl Fn(u64) -> Result<(), String>) {
    let chosen = std::env::var(SEED).ok().map(|text| {
        let seed: u64 = text.parse().expect("FERROLB_SIM_SEED is a number");
        seed..=seed
    });
    for seed in chosen.unwrap_or(1..=seeds) {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(seed)));
        let failure = outcome.unwrap_or_else(|_| Err("the run panicked".to_owned()));
        if let Err(failure) = failure {
            panic!("{failure}\nreplay with {SEED}={seed}");
        }
    }
}

/// Checks a run against limits.
pub(crate) fn check(
    world: &World,
    script: &[(Duration, Fault)],
    limits: Limits,
) -> Result<(), String> {
    let seen = &world.oracle;
    let cases = [
        (&seen.two, limits.two, "two stations answered"),
        (&seen.none, limits.none, "no station answered"),
    ];
    for (worst, limit, what) in cases {
        if worst.after > limit {
            let at = worst.at.unwrap_or(world.now);
            return Err(format!(
                "{what} {:?} after the last disturbance (limit {limit:?}): {}\n\
                 faults: {script:?}\nat {:?}; log before that:\n{}",
                worst.after,
                worst.what,
                at - world.start,
                world.story(at)
            ));
        }
    }
    Ok(())
}

/// Checks a run without a script of faults against limits.
pub(crate) fn within(world: &World, two: Duration, none: Duration) -> Result<(), String> {
    check(world, &[], Limits { two, none })
}

/// The station that a seed picks.
pub(crate) fn picked(world: &World, seed: u64) -> usize {
    usize::try_from(seed).unwrap_or(0) % world.size.stations
}

/// A claim about one run; a failure includes the log of its end.
pub(crate) fn ensure(world: &World, holds: bool, claim: &str) -> Result<(), String> {
    if holds {
        return Ok(());
    }
    let loads = world.loads();
    let story = world.story(world.now);
    Err(format!("{claim}; claims per station: {loads:?}\n{story}"))
}
