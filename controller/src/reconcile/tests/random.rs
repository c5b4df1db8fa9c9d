//! Random lives, other hosts on the LAN included: no address is shown twice or moved
//! without a cause, and no Service waits while an address is free.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;

use super::server::{World, report};
use crate::service::Request;
use crate::tests::key;

const POOL: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.4]}]";
const SHRUNK: &str = "[{name: lan, addresses: [10.0.0.2-10.0.0.3]}]";
const MOVED: &str = "[{name: new, addresses: [10.0.0.3-10.0.0.6]}]";

/// What may happen to a cluster.
#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Delete(usize),
    ChangeType(usize, bool),
    Request(usize, Option<u8>),
    Wipe(usize),
    Configure(usize),
    /// Another host uses the address that the Service has now.
    Conflict(usize),
    /// The speakers announce it.
    Announce(usize),
    /// The speakers report nothing about it.
    RemoveReport(usize),
    Pass(u64),
    /// The node of the speaker is Ready from now on, or is not.
    SetReady(bool),
    Restart,
    Show,
    Write {
        answered: bool,
    },
    Retry,
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Steps that leave a Service no reason to change its address.
fn peaceful() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..NAMES.len()).prop_map(Step::Create),
        1 => Just(Step::Restart),
        6 => Just(Step::Show),
        6 => any::<bool>().prop_map(|answered| Step::Write { answered }),
        2 => Just(Step::Retry),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = 0..NAMES.len();
    prop_oneof![
        12 => peaceful(),
        2 => who.clone().prop_map(Step::Delete),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, on)| Step::ChangeType(who, on)),
        2 => (who.clone(), prop::option::of(1u8..7)).prop_map(|(who, ip)| Step::Request(who, ip)),
        1 => who.clone().prop_map(Step::Wipe),
        2 => who.clone().prop_map(Step::Conflict),
        2 => who.clone().prop_map(Step::Announce),
        1 => who.prop_map(Step::RemoveReport),
        2 => prop::sample::select(vec![1, 10, 30, 600]).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::SetReady),
        1 => (0usize..3).prop_map(Step::Configure),
    ]
}

fn take(world: &mut World, step: &Step) {
    match *step {
        Step::Create(who) => world.create(NAMES[who]),
        Step::Delete(who) => world.delete(NAMES[who]),
        Step::ChangeType(who, on) => world.change(NAMES[who], |view| view.load_balancer = on),
        Step::Request(who, last) => world.change(NAMES[who], |view| {
            let ask = |last| Request::These(vec![[10, 0, 0, last].into()]);
            view.request = last.map_or(Request::Any, ask);
        }),
        Step::Wipe(who) => world.change(NAMES[who], |view| view.status.clear()),
        Step::Configure(which) => world.configure([POOL, SHRUNK, MOVED][which]),
        Step::Conflict(who) | Step::Announce(who) => {
            let view = world.services.get(&key(NAMES[who]));
            let Some(ip) = view.and_then(|view| view.status.first().copied()) else {
                return;
            };
            let mut reported = report("n1", NAMES[who], &[]);
            match step {
                Step::Conflict(_) => drop(
                    reported
                        .conflicts
                        .insert(ip, "02:00:00:00:00:99".to_owned()),
                ),
                _ => drop(reported.announces.insert(ip, 1)),
            }
            world.announce(reported);
        }
        Step::RemoveReport(who) => world.remove_report(&format!("n1-{}", NAMES[who])),
        Step::Pass(seconds) => world.pass(seconds),
        Step::SetReady(ready) => world.set_ready("n1", ready),
        Step::Restart => world.restart(),
        Step::Show => world.show(),
        Step::Write { answered } => world.write(answered),
        Step::Retry => world.retry(),
    }
}

/// At rest every Service has an address unless each is taken.
fn check_no_service_waits_for_a_free_address(world: &World) {
    let shown = world.shown();
    let covered = |ip| world.config.pools[0].ranges[0].contains(ip);
    let page = world.controller.state();
    let kept_back = page.quarantined.iter().map(|kept| kept.ip);
    let taken: BTreeSet<IpAddr> = shown.keys().copied().chain(kept_back).collect();
    let taken = taken.into_iter().filter(|ip| covered(*ip)).count();
    let full = taken as u128 == world.config.pools[0].ranges[0].size();
    for view in world.services.values().filter(|view| view.load_balancer) {
        let without_wish = view.request == Request::Any;
        assert!(
            full || !without_wish || !view.status.is_empty(),
            "{} waits",
            view.key
        );
        assert!(
            view.status.iter().all(|ip| covered(*ip)),
            "{} shows a foreign address",
            view.key
        );
    }
}

/// At rest no condition names an address that the Service does not have.
fn check_condition_addresses(world: &World) {
    for view in world.services.values() {
        let Some(reported) = &view.announced else {
            continue;
        };
        let (first, _) = reported.message.split_once(' ').unwrap();
        let has = view
            .status
            .iter()
            .map(ToString::to_string)
            .any(|ip| ip == first);
        assert!(
            has,
            "{} has {:?}: {}",
            view.key, view.status, reported.message
        );
    }
}

/// At rest what the node announces is certain while it is Ready, and only then.
fn check_readiness(world: &World) {
    let ready = world.ready.as_ref().unwrap().contains("n1");
    let expected = if ready { "True" } else { "Unknown" };
    for view in world.services.values().filter(|view| view.load_balancer) {
        let reported = world.reported.get(&format!("n1-{}", view.key.name));
        let announced = |ip| reported.is_some_and(|reported| reported.announces.contains_key(ip));
        if !view.status.is_empty() && view.status.iter().all(announced) {
            let shown = world.announced(&view.key.name);
            assert_eq!(shown.map(|(status, ..)| status), Some(expected));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_address_is_ever_shown_twice(steps in prop::collection::vec(any_step(), 0..120)) {
        let mut world = World::new(POOL);
        world.install_speakers();
        world.install_nodes(&["n1"]);
        for step in &steps {
            take(&mut world, step);
            world.shown();
        }
        world.rest();
        check_no_service_waits_for_a_free_address(&world);
        check_condition_addresses(&world);
        check_readiness(&world);
    }

    #[test]
    fn no_address_moves_without_a_cause(steps in prop::collection::vec(peaceful(), 0..120)) {
        let mut world = World::new(POOL);
        let mut before = world.shown();
        for step in &steps {
            take(&mut world, step);
            let now = world.shown();
            for (ip, holder) in &before {
                prop_assert_eq!(now.get(ip), Some(holder));
            }
            before = now;
        }
    }
}
