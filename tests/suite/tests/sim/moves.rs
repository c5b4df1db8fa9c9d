//! Claims about how many IPs move, when, and how they are spread.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_speaker::ownership::{Cause, Timing};

use crate::fault::Fault;
use crate::one_owner::{GOSSIP, ONE};
use crate::replay::{Limits, check, ensure, on_seeds};
use crate::world::{Size, World};

fn calm() -> Duration {
    Timing::default().calm
}

fn pace() -> Duration {
    Timing::default().pace
}

fn sized(seed: u64, ips: usize) -> Size {
    let stations = 3 + usize::try_from(seed % 8).unwrap_or(0);
    Size {
        stations,
        ips,
        loss: 0.0,
    }
}

fn spread(world: &World) -> usize {
    let loads = world.loads();
    loads.iter().max().unwrap_or(&0) - loads.iter().min().unwrap_or(&0)
}

fn causes(world: &World, from: std::time::Instant, cause: Cause) -> BTreeSet<IpAddr> {
    let taken = world.taken_since(from).filter(|it| it.cause == cause);
    taken.map(|it| it.ip).collect()
}

#[test]
fn a_dead_node_moves_its_ips_and_no_other_and_takes_back_only_what_evens_the_spread() {
    on_seeds(8, |seed| {
        let mut world = World::new(sized(seed, 13), seed);
        world.settle();
        let victim = usize::try_from(seed).unwrap_or(0) % world.size.stations;
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
        world.run(calm() - Duration::from_secs(1));
        ensure(
            &world,
            world.taken_since(back).count() == 0,
            "an IP moved before it was calm",
        )?;
        world.run(Duration::from_secs(4) + pace() * 13);
        let returned: Vec<_> = world.taken_since(back).collect();
        let gentle = returned
            .iter()
            .all(|it| it.by == victim && it.cause == Cause::Rebalance);
        ensure(&world, gentle, "more moved than to the node that came back")?;
        let paced = returned
            .windows(2)
            .all(|two| two[1].at - two[0].at >= pace());
        ensure(&world, paced, "two moved within one pace")?;
        ensure(
            &world,
            returned.len() == world.loads()[victim],
            "an IP moved twice",
        )?;
        ensure(&world, spread(&world) <= 1, "the spread is uneven")
    });
}

/// So many nodes of which some die early, so that the spread is uneven when
/// they come back.
fn shaken(size: Size, seed: u64) -> World {
    let mut world = World::new(size, seed);
    world.settle();
    let dead = usize::try_from(seed).unwrap_or(1) % (size.stations - 1);
    (0..dead).for_each(|station| world.apply(Fault::Off(station)));
    world.run(Duration::from_secs(2));
    (0..dead).for_each(|station| world.apply(Fault::Start(station)));
    world.run(calm() + Duration::from_secs(4));
    world
}

#[test]
fn the_spread_is_within_one_when_it_has_been_calm() {
    on_seeds(8, |seed| {
        let ips = 1 + usize::try_from(seed * 7 % 23).unwrap_or(0);
        let mut world = shaken(sized(seed, ips), seed);
        world.run(pace() * 23);
        ensure(&world, spread(&world) <= 1, "the spread is uneven")?;
        let each_once = world.ips.iter().all(|ip| world.owners(*ip).len() == 1);
        ensure(&world, each_once, "an IP has not one owner")?;
        check(
            &world,
            &[],
            Limits {
                two: ONE,
                none: ONE * 3,
            },
        )
    });
}

#[test]
fn thirty_nodes_that_start_together_are_even_at_once() {
    on_seeds(1, |seed| {
        let size = Size {
            stations: 30,
            ips: 45,
            loss: 0.0,
        };
        let mut world = World::new(size, seed);
        world.settle();
        ensure(&world, spread(&world) <= 1, "the spread is uneven")?;
        ensure(&world, world.taken.len() == size.ips, "an IP moved")
    });
}

#[test]
fn a_preferred_node_has_its_ips_and_gets_them_back_without_a_gap() {
    on_seeds(4, |seed| {
        let mut world = World::new(sized(seed, 6), seed);
        world.settle();
        let preferred = usize::try_from(seed).unwrap_or(0) % world.size.stations;
        let its: BTreeSet<IpAddr> = world.ips[..3].iter().copied().collect();
        (0..3).for_each(|ip| world.apply(Fault::Prefer(preferred, ip, 5)));
        world.run(calm() + pace() * 4);
        ensure(
            &world,
            world.claimed_by(preferred).is_superset(&its),
            "it has not got them",
        )?;
        world.apply(Fault::Kill(preferred));
        world.run(Duration::from_secs(2));
        ensure(
            &world,
            world.claimed_by(preferred).is_empty(),
            "the dead have none",
        )?;
        world.apply(Fault::Start(preferred));
        world.oracle.forget();
        world.run(calm() + Duration::from_secs(3) + pace() * 4);
        ensure(
            &world,
            world.claimed_by(preferred).is_superset(&its),
            "it did not get them back",
        )?;
        check(
            &world,
            &[],
            Limits {
                two: GOSSIP,
                none: Duration::ZERO,
            },
        )
    });
}
