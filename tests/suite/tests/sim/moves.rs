//! Claims about how many IPs move and when, and how they are spread.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ferrolb_speaker::layer2::election::{Cause, Timing};

use crate::fault::Fault;
use crate::one_owner::{GOSSIP, ONE};
use crate::replay::{ensure, on_seeds, picked, within};
use crate::world::World;

fn stabilization_window() -> Duration {
    Timing::default().stabilization_window
}

fn rebalance_interval() -> Duration {
    Timing::default().rebalance_interval
}

fn begin(seed: u64, ips: usize) -> World {
    let stations = 3 + usize::try_from(seed % 8).unwrap_or(0);
    World::settled(stations, ips, seed)
}

fn spread(world: &World) -> usize {
    let loads = world.loads();
    loads.iter().max().unwrap_or(&0) - loads.iter().min().unwrap_or(&0)
}

fn causes(world: &World, from: Instant, cause: Cause) -> BTreeSet<IpAddr> {
    let taken = world.taken_since(from).filter(|it| it.cause == cause);
    taken.map(|it| it.ip).collect()
}

#[test]
fn a_dead_node_moves_its_ips_and_no_other_and_takes_back_only_what_evens_the_spread() {
    on_seeds(4, |seed| {
        let mut world = begin(seed, 13);
        let victim = picked(&world, seed);
        let lost = world.claimed_by(victim);
        let died = world.now;
        world.apply(Fault::Off(victim));
        world.run(Duration::from_secs(3));
        let moved = world.taken_since(died).count();
        let theirs = causes(&world, died, Cause::Failover);
        ensure(
            &world,
            theirs == lost && moved == lost.len(),
            "other IPs moved than the dead node's",
        )?;
        let back = world.now;
        world.apply(Fault::Start(victim));
        world.run(stabilization_window() - Duration::from_secs(1));
        ensure(
            &world,
            world.taken_since(back).count() == 0,
            "an IP moved before the stabilization window was over",
        )?;
        let held = world.loads();
        world.run(Duration::from_secs(4) + rebalance_interval() * 13);
        even_again(&world, back, &held)
    });
}

/// Only the moves since `from` that even the spread, or one more, as two nodes may decide
/// at the same time; each node took one IP per rebalance interval.
fn even_again(world: &World, from: Instant, held: &[usize]) -> Result<(), String> {
    let taken: Vec<_> = world.taken_since(from).collect();
    let right = taken.iter().all(|it| it.cause == Cause::Rebalance);
    ensure(world, right, "an IP moved for another reason")?;
    let least = fewest_moves(held);
    ensure(
        world,
        (least..=least + 1).contains(&taken.len()),
        &format!("{} IPs moved, not {least}", taken.len()),
    )?;
    for station in 0..world.size.stations {
        let times: Vec<Instant> = taken
            .iter()
            .filter(|it| it.by == station)
            .map(|it| it.at)
            .collect();
        let paced = times
            .windows(2)
            .all(|two| two[1] - two[0] >= rebalance_interval());
        ensure(
            world,
            paced,
            "a node took two within one rebalance interval",
        )?;
    }
    ensure(world, spread(world) <= 1, "the spread is uneven")
}

/// How many IPs must move until no node holds two more than another.
fn fewest_moves(held: &[usize]) -> usize {
    let mut held = held.to_vec();
    held.sort_unstable_by(|a, b| b.cmp(a));
    let (each, rest) = {
        let all: usize = held.iter().sum();
        (all / held.len(), all % held.len())
    };
    let due = |place: usize| each + usize::from(place < rest);
    let surplus = held
        .iter()
        .enumerate()
        .map(|(place, it)| it.saturating_sub(due(place)));
    surplus.sum()
}

/// A cluster of which some nodes died early, so that the spread is uneven when they
/// return.
fn shaken(seed: u64, ips: usize) -> World {
    let mut world = begin(seed, ips);
    let dead = usize::try_from(seed).unwrap_or(1) % (world.size.stations - 1);
    (0..dead).for_each(|station| world.apply(Fault::Off(station)));
    world.run(Duration::from_secs(2));
    (0..dead).for_each(|station| world.apply(Fault::Start(station)));
    world.run(stabilization_window() + Duration::from_secs(4));
    world
}

#[test]
fn the_spread_is_within_one_after_the_stabilization_window() {
    on_seeds(4, |seed| {
        let ips = 1 + usize::try_from(seed * 7 % 23).unwrap_or(0);
        let mut world = shaken(seed, ips);
        world.run(rebalance_interval() * 23);
        ensure(&world, spread(&world) <= 1, "the spread is uneven")?;
        let once = world.each_has_owners(1);
        ensure(&world, once, "an IP does not have exactly one owner")?;
        within(&world, ONE, ONE * 3)
    });
}

#[test]
fn thirty_nodes_that_start_together_have_one_owner_for_each_ip_and_move_none() {
    on_seeds(1, |seed| {
        let world = World::settled(30, 30, seed);
        let once = world.each_has_owners(1);
        ensure(&world, once, "an IP does not have exactly one owner")?;
        ensure(&world, world.taken.len() == 30, "an IP moved")?;
        ensure(&world, spread(&world) <= 2, "the spread is uneven")
    });
}

#[test]
fn a_preferred_node_gets_its_ips_and_gets_them_back_without_a_gap() {
    on_seeds(3, |seed| {
        let mut world = begin(seed, 6);
        let preferred = picked(&world, seed);
        let its: BTreeSet<IpAddr> = world.ips[..3].iter().copied().collect();
        (0..3).for_each(|ip| world.apply(Fault::Prefer(preferred, ip, 5)));
        world.run(stabilization_window() + rebalance_interval() * 4);
        ensure(
            &world,
            world.claimed_by(preferred).is_superset(&its),
            "it does not have them",
        )?;
        world.apply(Fault::Kill(preferred));
        world.run(Duration::from_secs(2));
        ensure(
            &world,
            world.claimed_by(preferred).is_empty(),
            "a dead node has claims",
        )?;
        world.apply(Fault::Start(preferred));
        world.oracle.forget();
        world.run(stabilization_window() + Duration::from_secs(3) + rebalance_interval() * 4);
        ensure(
            &world,
            world.claimed_by(preferred).is_superset(&its),
            "it did not get them back",
        )?;
        within(&world, GOSSIP, Duration::ZERO)
    });
}

#[test]
fn a_leaving_node_hands_over_at_once() {
    on_seeds(6, |seed| {
        let mut world = World::settled(3, 6, seed);
        let leaving = picked(&world, seed);
        world.apply(Fault::Drain(leaving));
        world.run(ONE);
        let gone = world.claimed_by(leaving).is_empty();
        ensure(&world, gone, "it waits for its successors")?;
        ensure(
            &world,
            world.each_has_owners(1),
            "an IP has no owner, or two",
        )
    });
}
