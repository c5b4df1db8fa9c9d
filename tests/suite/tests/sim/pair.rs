//! Claims about a cluster of two nodes.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xorshift::XorShiftRng;

use crate::fault::Fault;
use crate::host::Freeze;
use crate::one_owner::{GOSSIP, ONE};
use crate::replay::{Limits, check, ensure, on_seeds};
use crate::world::{Size, World};

fn pair(seed: u64) -> World {
    let mut world = World::new(
        Size {
            stations: 2,
            ips: 5,
            loss: 0.0,
        },
        seed,
    );
    world.settle();
    world
}

#[test]
fn the_survivor_of_two_takes_and_keeps_all_ips() {
    on_seeds(8, |seed| {
        let mut world = pair(seed);
        world.apply(Fault::Off(usize::from(seed.is_multiple_of(2))));
        world.run(ONE);
        ensure(
            &world,
            world.loads().contains(&5),
            "the survivor does not own all IPs",
        )?;
        world.run(Duration::from_secs(20));
        ensure(
            &world,
            world.loads().contains(&5),
            "the survivor withdrew an IP",
        )?;
        check(
            &world,
            &[],
            Limits {
                two: Duration::ZERO,
                none: ONE,
            },
        )
    });
}

#[test]
fn the_frozen_node_of_two_yields_when_it_thaws() {
    on_seeds(24, |seed| {
        let mut world = pair(seed);
        let frozen = usize::from(seed.is_multiple_of(2));
        let freeze = if seed.is_multiple_of(3) {
            Freeze::Machine
        } else {
            Freeze::Process
        };
        let pause = XorShiftRng::seed_from_u64(seed).random_range(20..4000);
        world.apply(Fault::Freeze(frozen, freeze));
        world.run(Duration::from_millis(pause));
        world.apply(Fault::Freeze(frozen, Freeze::No));
        world.run(Duration::from_secs(3));
        let once = world.ips.iter().all(|ip| world.owners(*ip).len() == 1);
        ensure(&world, once, "an IP does not have exactly one owner")?;
        // Its probes may end at the same moment as its successor's.
        check(
            &world,
            &[],
            Limits {
                two: GOSSIP,
                none: ONE,
            },
        )
    });
}
