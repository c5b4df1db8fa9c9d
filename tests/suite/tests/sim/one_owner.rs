//! Claims about random faults: how soon there is one owner again, and how long there may
//! be none.

use std::time::Duration;

use rand::SeedableRng;
use rand_xorshift::XorShiftRng;

use crate::fault::{Fault, Kind, script};
use crate::net::RARE;
use crate::replay::{Limits, check, on_seeds};
use crate::scene::{DETECTION, PROBE_TIME};
use crate::world::{Size, World};

/// One exchange of gossip: digest, answer, delta.
pub(crate) const GOSSIP: Duration = RARE.saturating_mul(3);
/// From the last disturbance to one owner: detection, probing, and gossip.
pub(crate) const ONE: Duration = DETECTION.saturating_add(PROBE_TIME).saturating_add(GOSSIP);

/// Plays random faults of these kinds, several at a time, then heals the rest and waits.
fn play_random(kinds: &[Kind], loss: f64, limits: Limits, seed: u64) -> Result<(), String> {
    let mut rng = XorShiftRng::seed_from_u64(seed);
    let stations = 3 + usize::try_from(seed % 5).unwrap_or(0);
    let size = Size {
        stations,
        ips: 6,
        loss,
    };
    let mut world = World::new(size, seed);
    world.settle();
    let faults = 1 + usize::try_from(seed % 6).unwrap_or(0);
    let of = (size.stations, size.ips);
    let mut script = script(kinds, faults, Duration::from_secs(3), of, &mut rng);
    let end = Duration::from_secs(9);
    script.extend((0..stations).map(|station| (end, Fault::Start(station))));
    world.play(&script);
    world.run(Duration::from_secs(4));
    check(&world, &script, limits)
}

#[test]
fn one_node_answers_one_detection_time_after_the_last_disturbance() {
    let limits = Limits {
        two: ONE,
        none: Duration::MAX,
    };
    on_seeds(30, |seed| play_random(&Kind::ALL, 0.0, limits, seed));
}

#[test]
fn on_a_lossy_network_too() {
    let limits = Limits {
        two: ONE,
        none: Duration::MAX,
    };
    on_seeds(10, |seed| play_random(&Kind::ALL, 0.02, limits, seed));
}

#[test]
fn an_ip_has_no_owner_for_at_most_three_times_that_while_a_node_could_own_it() {
    let kinds = [
        Kind::Gossip,
        Kind::Carrier,
        Kind::Process,
        Kind::Machine,
        Kind::Kill,
        Kind::Off,
        Kind::Drain,
        Kind::Ineligible,
        Kind::Prefer,
    ];
    let limits = Limits {
        two: ONE,
        none: ONE * 3,
    };
    on_seeds(30, |seed| play_random(&kinds, 0.0, limits, seed));
}

#[test]
fn a_planned_move_leaves_no_gap_and_overlaps_for_one_exchange_of_gossip() {
    let kinds = [Kind::Drain, Kind::Ineligible, Kind::Prefer];
    let limits = Limits {
        two: GOSSIP,
        none: Duration::MAX,
    };
    on_seeds(10, |seed| play_random(&kinds, 0.0, limits, seed));
}

#[test]
fn losing_gossip_alone_never_makes_a_second_owner() {
    let limits = Limits {
        two: Duration::ZERO,
        none: Duration::ZERO,
    };
    on_seeds(10, |seed| play_random(&[Kind::Gossip], 0.0, limits, seed));
}
