//! Runs a claim on many seeds. One that fails is told with its seed and its
//! script; `FERROLB_SIM_SEED` runs that seed alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::fault::Fault;
use crate::world::World;

const SEED: &str = "FERROLB_SIM_SEED";

/// How long after the last disturbance something may still be so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// That two answer.
    pub(crate) two: Duration,
    /// That nobody answers although somebody could.
    pub(crate) none: Duration,
}

/// Checks a claim on the seeds from 1 to `seeds`.
pub(crate) fn on_seeds(seeds: u64, run: impl Fn(u64) -> Result<(), String>) {
    let chosen = std::env::var(SEED).ok().map(|text| {
        let seed: u64 = text.parse().expect("FERROLB_SIM_SEED is a number");
        seed..=seed
    });
    for seed in chosen.unwrap_or(1..=seeds) {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(seed)));
        let told = outcome.unwrap_or_else(|_| Err("the run panicked".to_owned()));
        if let Err(told) = told {
            panic!("{told}\nreplay it with {SEED}={seed}");
        }
    }
}

/// Holds a run against limits.
pub(crate) fn check(
    world: &World,
    script: &[(Duration, Fault)],
    limits: Limits,
) -> Result<(), String> {
    let seen = &world.oracle;
    let cases = [
        (&seen.two, limits.two, "two answered"),
        (&seen.none, limits.none, "nobody answered"),
    ];
    for (worst, limit, what) in cases {
        if worst.after > limit {
            let at = worst.at.unwrap_or(world.now);
            return Err(format!(
                "{what} {:?} after the last disturbance ({limit:?} is allowed): {}\n\
                 faults: {script:?}\nat {:?}, after:\n{}",
                worst.after,
                worst.what,
                at - world.start,
                world.story(at)
            ));
        }
    }
    Ok(())
}

/// Holds a run whose faults the claim itself tells against limits.
pub(crate) fn within(world: &World, two: Duration, none: Duration) -> Result<(), String> {
    check(world, &[], Limits { two, none })
}

/// The station that a seed picks.
pub(crate) fn picked(world: &World, seed: u64) -> usize {
    usize::try_from(seed).unwrap_or(0) % world.size.stations
}

/// A claim about one run, with what happened last if it does not hold.
pub(crate) fn ensure(world: &World, holds: bool, claim: &str) -> Result<(), String> {
    if holds {
        return Ok(());
    }
    let loads = world.loads();
    let story = world.story(world.now);
    Err(format!("{claim}; claims per station: {loads:?}\n{story}"))
}
