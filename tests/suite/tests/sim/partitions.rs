//! Claims about networks that are partitioned and healed.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xorshift::XorShiftRng;

use crate::fault::Fault;
use crate::host::Freeze;
use crate::one_owner::ONE;
use crate::replay::{ensure, on_seeds, picked, within};
use crate::world::World;

fn begin(seed: u64) -> World {
    let stations = 4 + usize::try_from(seed % 3).unwrap_or(0);
    World::settled(stations, 8, seed)
}

/// Moves the first `count` stations to another partition.
fn put(world: &mut World, count: usize, fault: impl Fn(usize) -> Fault) {
    (0..count).for_each(|station| world.apply(fault(station)));
}

#[test]
fn a_partition_of_gossip_alone_makes_no_second_owner_and_moves_nothing() {
    on_seeds(4, |seed| {
        let mut world = begin(seed);
        let (from, half) = (world.now, world.size.stations / 2);
        put(&mut world, half, |it| Fault::Gossip(it, 1));
        world.run(Duration::from_secs(10));
        put(&mut world, half, |it| Fault::Gossip(it, 0));
        world.run(Duration::from_secs(5));
        ensure(&world, world.taken_since(from).count() == 0, "an IP moved")?;
        within(&world, Duration::ZERO, Duration::ZERO)
    });
}

#[test]
fn each_part_of_a_partitioned_cluster_has_one_owner_and_the_healed_cluster_has_one() {
    on_seeds(4, |seed| {
        let mut world = begin(seed);
        let half = world.size.stations / 2;
        put(&mut world, half, |it| Fault::Lan(it, 1));
        put(&mut world, half, |it| Fault::Gossip(it, 1));
        world.run(Duration::from_secs(5));
        let twice = world.each_has_owners(2);
        ensure(
            &world,
            twice,
            "a partition does not have one owner for each IP",
        )?;
        let joined = world.now;
        put(&mut world, half, |it| Fault::Lan(it, 0));
        put(&mut world, half, |it| Fault::Gossip(it, 0));
        world.run(ONE);
        let once = world.each_has_owners(1);
        ensure(
            &world,
            once,
            "an IP does not have one owner after the partition",
        )?;
        let announced = world.ips.iter().all(|ip| {
            let owner = world.owners(*ip)[0];
            world
                .announced
                .iter()
                .any(|(at, by, it)| *at >= joined && *by == owner && it == ip)
        });
        ensure(&world, announced, "a winner did not announce again")?;
        within(&world, ONE, ONE * 3)
    });
}

#[test]
fn a_partition_of_the_lan_alone_flaps_for_a_limited_time_and_leaves_one_owner() {
    on_seeds(2, |seed| {
        let mut world = begin(seed);
        let (from, half) = (world.now, world.size.stations / 2);
        put(&mut world, half, |it| Fault::Lan(it, 1));
        world.run(Duration::from_secs(9));
        let moves = world.taken_since(from).count();
        let few = moves <= 3 * world.ips.len();
        ensure(&world, few, &format!("{moves} moves: IPs flap"))?;
        put(&mut world, half, |it| Fault::Lan(it, 0));
        world.run(Duration::from_secs(3));
        let once = world.each_has_owners(1);
        ensure(
            &world,
            once,
            "an IP does not have one owner after the partition",
        )?;
        ensure(
            &world,
            world.oracle.two.length <= ONE,
            "two stations answered for too long",
        )
    });
}

#[test]
fn an_owner_that_thaws_before_it_receives_gossip_never_answers_beside_its_successor() {
    on_seeds(8, |seed| {
        let mut world = begin(seed);
        let frozen = picked(&world, seed);
        let pause = XorShiftRng::seed_from_u64(seed).random_range(20..2000);
        world.apply(Fault::Freeze(frozen, Freeze::Process));
        world.run(Duration::from_millis(pause));
        world.apply(Fault::Gossip(frozen, 1));
        world.apply(Fault::Freeze(frozen, Freeze::No));
        world.run(Duration::from_millis(300));
        world.apply(Fault::Gossip(frozen, 0));
        world.run(Duration::from_secs(3));
        within(&world, Duration::ZERO, ONE)
    });
}
