//! Never twice, releases are inverse to allocations, replay gives the same.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family::{self, V4, V6};
use proptest::prelude::*;

use super::{Allocator, ClaimRefusal, PoolRefusal};
use crate::service::Claimant;
use crate::tests::{self, allocator, config, ip};

fn key(name: impl ToString) -> ObjectKey {
    tests::key(&name.to_string())
}

/// One that does not share.
fn alone(key: &ObjectKey) -> Claimant<'_> {
    Claimant { key, terms: None }
}

#[test]
fn allocates_ranges_in_order_and_addresses_ascending() {
    let mut allocator = allocator("[{name: a, addresses: [10.0.9.1/32, 10.0.0.0/31]}]");
    let mut next = |name| allocator.allocate(alone(&key(name)), 0, &[V4]).unwrap()[0].to_string();
    assert_eq!(
        [next(1), next(2), next(3)],
        ["10.0.9.1", "10.0.0.0", "10.0.0.1"]
    );
    assert_eq!(
        allocator.allocate(alone(&key(4)), 0, &[V4]),
        Err(PoolRefusal::Exhausted(V4))
    );
}

#[test]
fn takes_no_address_of_one_family_if_the_other_is_missing() {
    let mut allocator = allocator("[{name: a, addresses: [10.0.0.0/24, fd77::1/128]}]");
    allocator.claim(alone(&key(1)), ip("fd77::1")).unwrap();
    assert_eq!(
        allocator.allocate(alone(&key(2)), 0, &[V4, V6]),
        Err(PoolRefusal::Exhausted(V6))
    );
    assert_eq!(allocator.held(&key(2)), Vec::<IpAddr>::new());
    let both = allocator.allocate(alone(&key(2)), 0, &[V4]).unwrap();
    assert_eq!(both, [ip("10.0.0.0")]);
}

#[test]
fn excludes_buggy_addresses_on_request() {
    let mut allocator =
        allocator("[{name: a, addresses: [10.0.0.254-10.0.1.1], avoidBuggyIPs: true}]");
    let avoided = allocator.claim(alone(&key(1)), ip("10.0.0.255"));
    assert!(matches!(avoided, Err(ClaimRefusal::Avoided { .. })));
    for expected in ["10.0.0.254", "10.0.1.1"] {
        let given = allocator.allocate(alone(&key(expected)), 0, &[V4]).unwrap();
        assert_eq!(given, [ip(expected)]);
    }
    let usage = allocator.usage().next().unwrap().1;
    assert_eq!((usage.total, usage.used), (2, 2));
    let avoided = allocator.claim(alone(&key(1)), ip("10.0.1.0"));
    assert!(matches!(avoided, Err(ClaimRefusal::Avoided { .. })));
}

#[test]
fn an_address_survives_a_new_configuration_that_still_contains_it() {
    let mut allocator = allocator("[{name: a, addresses: [10.0.0.0/24]}]");
    allocator.claim(alone(&key(1)), ip("10.0.0.7")).unwrap();
    allocator.claim(alone(&key(2)), ip("10.0.0.200")).unwrap();
    allocator.reconfigure(&config("[{name: b, addresses: [10.0.0.0/25]}]"));
    assert_eq!(allocator.held(&key(1)), [ip("10.0.0.7")]);
    assert_eq!(allocator.held(&key(2)), Vec::<IpAddr>::new());
}

#[test]
fn a_full_slash_64_is_no_slower_than_a_small_pool() {
    let mut allocator = allocator("[{name: a, addresses: ['fd77::/16']}]");
    for name in 0..20_000 {
        assert!(allocator.allocate(alone(&key(name)), 0, &[V6]).is_ok());
    }
}

/// What a Service may do to an allocator.
#[derive(Debug, Clone)]
enum Step {
    Allocate(u8, Vec<Family>),
    Claim(u8, u8),
    Release(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let families = prop_oneof![Just(vec![V4]), Just(vec![V6]), Just(vec![V4, V6])];
    let step = prop_oneof![
        (0u8..8, families).prop_map(|(service, families)| Step::Allocate(service, families)),
        (0u8..8, 0u8..16).prop_map(|(service, ip)| Step::Claim(service, ip)),
        (0u8..8).prop_map(Step::Release),
    ];
    prop::collection::vec(step, 0..80)
}

fn small() -> Allocator {
    allocator("[{name: a, addresses: [10.0.0.4-10.0.0.9, fd77::1-fd77::3]}]")
}

fn run(allocator: &mut Allocator, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Allocate(service, families) => {
                let _full = allocator.allocate(alone(&key(service)), 0, families);
            }
            Step::Claim(service, last) => {
                let _held = allocator.claim(alone(&key(service)), IpAddr::from([10, 0, 0, *last]));
            }
            Step::Release(service) => {
                allocator.retain(&key(service), &[]);
            }
        }
    }
}

fn holdings(allocator: &Allocator) -> BTreeMap<IpAddr, ObjectKey> {
    let mut all = BTreeMap::new();
    for service in 0u8..8 {
        for ip in allocator.held(&key(service)) {
            assert_eq!(all.insert(ip, key(service)), None, "{ip} is held twice");
        }
    }
    all
}

proptest! {
    #[test]
    fn no_address_is_held_twice_or_lost(steps in steps()) {
        let mut allocator = small();
        run(&mut allocator, &steps);
        let held = holdings(&allocator);
        let used: u128 = allocator.usage().map(|(_, usage)| usage.used).sum();
        prop_assert_eq!(used, held.len() as u128);
        for _ in used..9 {
            let rest = key("rest");
            let given = allocator.allocate(alone(&rest), 0, &[V4]);
            prop_assert!(given.or_else(|_| allocator.allocate(alone(&rest), 0, &[V6])).is_ok());
        }
    }

    #[test]
    fn releasing_everything_restores_every_address(steps in steps()) {
        let mut allocator = small();
        run(&mut allocator, &steps);
        for service in 0u8..8 {
            allocator.retain(&key(service), &[]);
        }
        let first = allocator.allocate(alone(&key("after")), 0, &[V4, V6]).unwrap();
        prop_assert_eq!(first, vec![ip("10.0.0.4"), ip("fd77::1")]);
    }

    #[test]
    fn replay_in_any_order_gives_the_same(steps in steps(), seed in any::<u64>()) {
        let mut allocator = small();
        run(&mut allocator, &steps);
        let expected = holdings(&allocator);
        let mut order: Vec<_> = expected.iter().collect();
        order.sort_by_key(|(ip, _)| ferrolb_core::range::bits(**ip).wrapping_mul(u128::from(seed) | 1));
        let mut replayed = small();
        for (ip, key) in order {
            prop_assert_eq!(replayed.claim(alone(key), *ip), Ok(()));
        }
        prop_assert_eq!(holdings(&replayed), expected);
        let next = |mut allocator: Allocator| allocator.allocate(alone(&key("next")), 0, &[V4]);
        prop_assert_eq!(next(replayed), next(allocator));
    }
}
