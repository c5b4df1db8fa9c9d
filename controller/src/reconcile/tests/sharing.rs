//! Random lives of Services that share addresses under a quota and under pools
//! that change: at rest nobody shares against the rules, nobody shows an
//! address of no pool, and no namespace is above its quota.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::server::World;
use crate::allocator::{Protocol, Terms};
use crate::service::ServiceView;

const POOLS: [&str; 3] = [
    "[{name: lan, addresses: [10.0.0.1-10.0.0.4], serviceAllocation: {maxPerNamespace: 2}}]",
    "[{name: lan, addresses: [10.0.0.2-10.0.0.3], serviceAllocation: {maxPerNamespace: 2}}]",
    "[{name: new, addresses: [10.0.0.3-10.0.0.6], serviceAllocation: {maxPerNamespace: 2}}]",
];

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// What may happen to a cluster.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, Option<(u8, u16)>),
    Share(usize, Option<(u8, u16)>),
    Delete(usize),
    Configure(usize),
    Restart,
    Show,
    Write(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..NAMES.len();
    let terms = || prop::option::of((0u8..2, 80u16..83));
    prop_oneof![
        3 => (who.clone(), terms()).prop_map(|(who, terms)| Step::Create(who, terms)),
        2 => (who.clone(), terms()).prop_map(|(who, terms)| Step::Share(who, terms)),
        1 => who.prop_map(Step::Delete),
        1 => (0..POOLS.len()).prop_map(Step::Configure),
        1 => Just(Step::Restart),
        4 => Just(Step::Show),
        4 => any::<bool>().prop_map(Step::Write),
    ]
}

/// Shares under a key, on a port; nothing if it does not share.
pub(super) fn terms(terms: Option<(u8, u16)>) -> Option<Arc<Terms>> {
    let (key, port) = terms?;
    Some(Arc::new(Terms {
        key: key.to_string(),
        ports: BTreeSet::from([(Protocol::Tcp, port)]),
        local: BTreeMap::new(),
        namespaces: BTreeSet::new(),
    }))
}

fn take(world: &mut World, step: &Step) {
    match *step {
        Step::Create(who, shared) => {
            world.create_as(NAMES[who], |view| view.terms = terms(shared));
        }
        Step::Share(who, shared) => world.change(NAMES[who], |view| view.terms = terms(shared)),
        Step::Delete(who) => world.delete(NAMES[who]),
        Step::Configure(which) => world.configure(POOLS[which]),
        Step::Restart => world.restart(),
        Step::Show => world.show(),
        Step::Write(answered) => world.write(answered),
    }
}

fn may_share(a: &ServiceView, b: &ServiceView) -> bool {
    let both = a.terms.as_ref().zip(b.terms.as_ref());
    both.is_some_and(|(a, b)| a.key == b.key && a.ports.is_disjoint(&b.ports))
}

fn check(world: &World) {
    let pool = &world.config.pools[0];
    let mut held: BTreeMap<IpAddr, Vec<&ServiceView>> = BTreeMap::new();
    for view in world.services.values() {
        for ip in &view.status {
            let covered = pool.ranges.iter().any(|range| range.contains(*ip));
            assert!(covered, "{} shows {ip}", view.key);
            let others = held.entry(*ip).or_default();
            for other in &*others {
                assert!(may_share(view, other), "{} and {}", view.key, other.key);
            }
            others.push(view);
        }
    }
    for view in world
        .services
        .values()
        .filter(|view| view.status.is_empty())
    {
        assert!(held.len() >= 2, "{} waits in vain", view.key);
        let said = view.condition.as_ref();
        assert!(said.is_some_and(|said| !said.fulfilled), "{}", view.key);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn at_rest_everyone_shares_by_the_rules(steps in prop::collection::vec(step(), 0..100)) {
        let mut world = World::new(POOLS[0]);
        for step in &steps {
            take(&mut world, step);
        }
        world.rest();
        check(&world);
    }
}
