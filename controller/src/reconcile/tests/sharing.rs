//! Random lives of Services of several namespaces that share addresses under a
//! quota and under pools that change: at rest no Service shares against the rules,
//! shows an address of no pool, or waits for what is available. No namespace exceeds
//! its quota, unless pools change: an address that is in a pool again is kept, and a
//! quota releases nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::server::World;
use crate::service::{ConditionStatus, Protocol, ServiceView, Terms};

const POOLS: [&str; 3] = [
    "[{name: lan, addresses: [10.0.0.1-10.0.0.4], serviceAllocation: {maxPerNamespace: 2}}]",
    "[{name: lan, addresses: [10.0.0.2-10.0.0.3], serviceAllocation: {maxPerNamespace: 2}}]",
    "[{name: new, addresses: [10.0.0.3-10.0.0.6], serviceAllocation: {maxPerNamespace: 2}}]",
];

/// In three namespaces.
const NAMES: [&str; 6] = ["x/a", "x/b", "x/c", "y/d", "y/e", "z/f"];

/// The most addresses of one namespace, in every configuration.
const QUOTA: usize = 2;

/// Terms of sharing: key, port, and the other namespaces listed.
type Shared = Option<(u8, u16, Vec<&'static str>)>;

/// What may happen to a cluster.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, Shared),
    Share(usize, Shared),
    Delete(usize),
    Configure(usize),
    Restart,
    Show,
    Write(bool),
}

fn shared() -> impl Strategy<Value = Shared> {
    let others = prop::sample::subsequence(vec!["x", "y", "z"], 0..=3);
    prop::option::weighted(0.8, (0u8..2, 80u16..84, others))
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..NAMES.len();
    prop_oneof![
        3 => (who.clone(), shared()).prop_map(|(who, terms)| Step::Create(who, terms)),
        2 => (who.clone(), shared()).prop_map(|(who, terms)| Step::Share(who, terms)),
        1 => who.prop_map(Step::Delete),
        1 => (0..POOLS.len()).prop_map(Step::Configure),
        1 => Just(Step::Restart),
        4 => Just(Step::Show),
        4 => any::<bool>().prop_map(Step::Write),
    ]
}

/// Shares under a key on a port, also with Services of these namespaces.
pub(super) fn terms(key: u8, port: u16, namespaces: &[&str]) -> Option<Arc<Terms>> {
    Some(Arc::new(Terms {
        key: key.to_string(),
        ports: BTreeSet::from([(Protocol::Tcp, port)]),
        local: BTreeMap::new(),
        namespaces: namespaces.iter().map(ToString::to_string).collect(),
    }))
}

fn agreed(shared: &Shared) -> Option<Arc<Terms>> {
    let (key, port, namespaces) = shared.as_ref()?;
    terms(*key, *port, namespaces)
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Create(who, shared) => {
            world.create_as(NAMES[*who], |view| view.terms = agreed(shared));
        }
        Step::Share(who, shared) => world.change(NAMES[*who], |view| view.terms = agreed(shared)),
        Step::Delete(who) => world.delete(NAMES[*who]),
        Step::Configure(which) => world.configure(POOLS[*which]),
        Step::Restart => world.restart(),
        Step::Show => world.show(),
        Step::Write(answered) => world.write(*answered),
    }
}

/// The rule as documented: one key, different ports, and across namespaces each must
/// list the other's.
fn may_share(a: &ServiceView, b: &ServiceView) -> bool {
    let names = |a: &ServiceView, b: &ServiceView| {
        let terms = a.terms.as_ref().unwrap();
        a.key.namespace == b.key.namespace || terms.namespaces.contains(&b.key.namespace)
    };
    let both = a.terms.as_ref().zip(b.terms.as_ref());
    let agree = both.is_some_and(|(a, b)| a.key == b.key && a.ports.is_disjoint(&b.ports));
    agree && names(a, b) && names(b, a)
}

type Held<'a> = BTreeMap<IpAddr, Vec<&'a ServiceView>>;

fn check(world: &World) {
    let pool = &world.config.pools[0];
    let mut held = Held::new();
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
    let size = usize::try_from(pool.ranges[0].size()).unwrap();
    for view in world
        .services
        .values()
        .filter(|view| view.status.is_empty())
    {
        assert!(
            !is_available(view, &held, size),
            "{} waits for an available address",
            view.key
        );
        let reported = view.allocated.as_ref();
        assert!(
            reported.is_some_and(|reported| reported.status == ConditionStatus::False),
            "{}",
            view.key
        );
    }
}

/// The addresses of each namespace; one that is shared counts once.
fn check_quota(world: &World) {
    for namespace in ["x", "y", "z"] {
        let views = world.services.values();
        let views = views.filter(|view| view.key.namespace == namespace);
        let ips: BTreeSet<_> = views.flat_map(|view| &view.status).collect();
        assert!(ips.len() <= QUOTA, "{namespace} has {ips:?}");
    }
}

fn has(views: &[&ServiceView], namespace: &str) -> bool {
    views.iter().any(|view| view.key.namespace == namespace)
}

/// Whether there is an address for a Service, free or to be shared.
fn is_available(view: &ServiceView, held: &Held<'_>, size: usize) -> bool {
    let namespace = &view.key.namespace;
    let count = held.values().filter(|views| has(views, namespace)).count();
    let more = count < QUOTA;
    let mut shareable = held.values().filter(|views| more || has(views, namespace));
    let joins = |views: &Vec<&ServiceView>| views.iter().all(|other| may_share(view, other));
    (more && held.len() < size) || shareable.any(joins)
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
    #[test]
    fn while_pools_stay_no_namespace_comes_above_its_quota(
        steps in prop::collection::vec(step(), 0..100)
    ) {
        let mut world = World::new(POOLS[0]);
        let others = steps.iter().filter(|step| !matches!(step, Step::Configure(_)));
        for step in others {
            take(&mut world, step);
        }
        world.rest();
        check(&world);
        check_quota(&world);
    }
}
