//! Claims about LAN ports that fail while gossip works.

use std::time::Duration;

use crate::fault::Fault;
use crate::one_owner::ONE;
use crate::replay::{Limits, check, ensure, on_seeds, picked, within};
use crate::world::{Size, World};

/// Fails a port and checks which IPs move, for longer than the stabilization window.
fn port_dies(seed: u64, dead: impl Fn(usize) -> Vec<Fault>) -> Result<(), String> {
    let stations = 3 + usize::try_from(seed % 3).unwrap_or(0);
    let size = Size {
        stations,
        ips: 8,
        loss: 0.0,
    };
    let mut world = World::new(size, seed);
    world.settle();
    let victim = usize::try_from(seed).unwrap_or(0) % stations;
    let lost = world.claimed_by(victim);
    let died = world.now;
    let faults = dead(victim);
    faults.iter().for_each(|fault| world.apply(*fault));
    world.run(ONE);
    ensure(
        &world,
        world.claimed_by(victim).is_empty(),
        "it still owns IPs",
    )?;
    let moved = world.taken_since(died).count();
    ensure(&world, moved == lost.len(), "other IPs moved than its own")?;
    world.run(Duration::from_secs(40));
    ensure(&world, world.loads()[victim] == 0, "it got IPs back")?;
    ensure(
        &world,
        world.taken_since(died).all(|it| it.by != victim),
        "it took IPs back",
    )?;
    let moved = world.taken_since(died).count();
    ensure(&world, moved <= lost.len() + 1, "IPs flapped")?;
    check(
        &world,
        &[],
        Limits {
            two: ONE,
            none: ONE,
        },
    )
}

#[test]
fn a_node_that_cannot_send_loses_its_ips_and_gets_none_back() {
    on_seeds(2, |seed| port_dies(seed, |it| vec![Fault::Tx(it, false)]));
}

#[test]
fn a_node_that_receives_nothing_loses_its_ips_and_gets_none_back() {
    on_seeds(2, |seed| port_dies(seed, |it| vec![Fault::Rx(it, false)]));
}

#[test]
fn a_node_whose_port_is_dead_loses_its_ips_and_gets_none_back() {
    let both = |it| vec![Fault::Tx(it, false), Fault::Rx(it, false)];
    on_seeds(2, |seed| port_dies(seed, both));
}

#[test]
fn a_returning_port_moves_nothing_before_the_stabilization_window_is_over() {
    on_seeds(6, |seed| {
        let size = Size {
            stations: 3,
            ips: 6,
            loss: 0.0,
        };
        let mut world = World::new(size, seed);
        world.settle();
        let victim = usize::try_from(seed).unwrap_or(0) % 3;
        world.apply(Fault::Rx(victim, false));
        world.run(Duration::from_secs(5));
        let back = world.now;
        world.apply(Fault::Rx(victim, true));
        world.run(Duration::from_secs(10));
        ensure(
            &world,
            world.taken_since(back).count() == 0,
            "an IP moved at once",
        )
    });
}

#[test]
fn a_node_that_receives_nothing_is_not_waited_for_when_another_dies() {
    on_seeds(6, |seed| {
        let size = Size {
            stations: 4,
            ips: 8,
            loss: 0.0,
        };
        let mut world = World::new(size, seed);
        world.settle();
        let deaf = usize::try_from(seed).unwrap_or(0) % 4;
        let dying = (deaf + 1) % 4;
        world.apply(Fault::Rx(deaf, false));
        world.run(Duration::from_secs(5));
        let lost = world.claimed_by(dying);
        let died = world.now;
        world.apply(Fault::Off(dying));
        world.run(ONE);
        let taken = world.taken_since(died).filter(|it| it.by != deaf).count();
        ensure(
            &world,
            taken == lost.len(),
            "its IPs waited for the node that receives nothing",
        )
    });
}

#[test]
fn a_link_that_returns_before_the_switch_forwards_makes_no_second_owner() {
    on_seeds(6, |seed| {
        let mut world = World::settled(3, 6, seed);
        let victim = picked(&world, seed);
        let cut = |world: &mut World, side| {
            world.apply(Fault::Lan(victim, side));
            world.apply(Fault::Gossip(victim, side));
        };
        world.apply(Fault::Carrier(victim, false));
        cut(&mut world, 1);
        world.run(Duration::from_millis(700));
        world.apply(Fault::Carrier(victim, true));
        world.run(Duration::from_millis(900));
        ensure(&world, world.claimed_by(victim).is_empty(), "it took IPs")?;
        cut(&mut world, 0);
        world.run(ONE);
        within(&world, Duration::ZERO, ONE)
    });
}
