//! What the reconciler does in situations that have a name.

use ferrolb_core::change::Change;
use ferrolb_core::config::Config;
use ferrolb_core::range::Family::{V4, V6};

use super::server::World;
use crate::reconcile::{Action, ConfigState, InvalidConfig, Notice, Reconciler};
use crate::service::{FamilyPolicy, Request};
use crate::tests::{config, key};

const TWO: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.2]}]";
const ONE: &str = "[{name: lan, addresses: [10.0.0.1/32]}]";

#[test]
fn assigns_and_reports_only_once_it_is_written() {
    let mut world = World::new(TWO);
    world.create("a");
    world.show();
    assert_eq!(world.notices(), []);
    world.rest();
    assert_eq!(world.status("a"), ["10.0.0.1"]);
    assert_eq!(
        world.notices()[0].to_string(),
        "Assigned 10.0.0.1 from pool lan"
    );
}

#[test]
fn reports_once_even_if_the_watch_is_quicker_than_the_answer() {
    let mut world = World::new(TWO);
    world.create("a");
    world.show();
    world.write_shown_before_answered();
    world.rest();
    assert!(matches!(&world.notices()[..], [Notice::Assigned(_)]));
}

#[test]
fn reports_even_if_the_answer_is_lost() {
    let mut world = World::new(TWO);
    world.create("a");
    world.show();
    world.write(false);
    world.rest();
    assert!(matches!(&world.notices()[..], [Notice::Assigned(_)]));
}

#[test]
fn a_deleted_service_frees_its_address_for_one_that_waits() {
    let mut world = World::new(ONE);
    world.create("a");
    world.create("b");
    world.rest();
    assert!(world.status("b").is_empty());
    assert_eq!(world.controller.gauges().waiting, 1);
    world.delete("a");
    world.rest();
    assert_eq!(world.status("b"), ["10.0.0.1"]);
    assert_eq!(world.controller.gauges().waiting, 0);
}

#[test]
fn a_change_of_type_frees_the_address_for_one_that_waits() {
    let mut world = World::new(ONE);
    world.create("a");
    world.create("b");
    world.rest();
    world.change("a", |view| view.load_balancer = false);
    world.rest();
    assert!(world.status("a").is_empty());
    assert_eq!(world.status("b"), ["10.0.0.1"]);
}

#[test]
fn an_address_is_not_reassigned_before_its_status_is_cleared() {
    let mut world = World::new(ONE);
    world.create("a");
    world.create("b");
    world.rest();
    world.change("a", |view| view.load_balancer = false);
    world.show();
    let writes: Vec<_> = world.writes.iter().map(|write| write.key.clone()).collect();
    assert_eq!(writes, [key("a")]);
}

#[test]
fn an_identical_refusal_is_reported_once() {
    let mut world = World::new(ONE);
    world.create("a");
    world.rest();
    world.notices();
    world.create("b");
    world.rest();
    world.change("b", |view| view.ingress_is_canonical = true);
    world.change("b", |view| view.ingress_is_canonical = true);
    world.rest();
    assert!(matches!(&world.notices()[..], [Notice::Refused(_)]));
}

#[test]
fn two_partial_requests_do_not_alternate_forever() {
    let mut world = World::new("[{name: lan, addresses: [10.0.0.1/32, 'fd77::1/128']}]");
    world.create("holder");
    world.rest();
    for name in ["a", "b"] {
        world.create_as(name, |view| {
            view.families = vec![V4, V6];
            view.policy = FamilyPolicy::RequireDual;
            let ips = ["10.0.0.1", "fd77::1"].map(|ip| ip.parse().unwrap());
            view.request = Request::These(ips.to_vec());
        });
    }
    world.rest();
    assert!(world.status("a").is_empty() && world.status("b").is_empty());
    assert_eq!(world.controller.gauges().waiting, 2);
}

#[test]
fn a_shrunk_pool_releases_what_it_no_longer_contains_and_replaces_it() {
    let mut world = World::new(TWO);
    world.create("a");
    world.create("b");
    world.rest();
    world.notices();
    world.configure("[{name: lan, addresses: [10.0.0.2/32, 10.0.1.1/32]}]");
    world.rest();
    assert_eq!(world.status("a"), ["10.0.1.1"]);
    assert_eq!(world.status("b"), ["10.0.0.2"]);
    let notices: Vec<_> = world.notices().iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        [
            "Released 10.0.0.1: no pool contains it",
            "Assigned 10.0.1.1 from pool lan"
        ]
    );
}

#[test]
fn of_two_statuses_with_one_address_the_older_service_keeps_it_after_a_restart() {
    let mut world = World::new(TWO);
    world.create("z-older");
    world.create("a-newer");
    for name in ["z-older", "a-newer"] {
        world.change(name, |view| view.status = vec!["10.0.0.2".parse().unwrap()]);
    }
    world.restart();
    world.rest();
    assert_eq!(world.status("z-older"), ["10.0.0.2"]);
    assert_eq!(world.status("a-newer"), ["10.0.0.1"]);
}

#[test]
fn an_unconfirmed_write_is_retried_with_the_same_address() {
    let mut world = World::new(TWO);
    world.create("a");
    world.show();
    world.write(false);
    world.rest();
    assert_eq!(world.status("a"), ["10.0.0.1"]);
}

#[test]
fn an_address_of_an_unconfirmed_write_is_not_reassigned() {
    let mut world = World::new(ONE);
    world.create("a");
    world.create("b");
    world.show();
    world.write(false);
    // For a moment no pool covers the address that "a" may show already.
    world.configure("[{name: lan, addresses: [10.0.1.1/32]}]");
    world.configure(ONE);
    world.rest();
    world.shown();
    assert_eq!(world.status("a"), ["10.0.0.1"]);
}

#[test]
fn does_not_return_to_an_older_version() {
    let mut world = World::new(ONE);
    world.create("a");
    world.show();
    world.write(true);
    world.configure("[{name: lan, addresses: [10.0.1.1/32]}]");
    world.write(true);
    // Only now the watch shows the status with the first address.
    world.show();
    assert!(world.writes.is_empty());
    assert_eq!(world.status("a"), ["10.0.1.1"]);
}

/// The lists without which nothing may be chosen.
const LISTS: [fn(&World, &mut Reconciler); 3] = [
    |world, controller| controller.config_changed(ConfigState::Valid(world.config.clone())),
    |_, controller| controller.namespaces_changed(Change::Reset(Vec::new())),
    |world, controller| {
        let services = world.services.values().cloned().collect();
        controller.services_changed(Change::Reset(services));
    },
];

#[test]
fn a_follower_never_chooses_addresses() {
    let world = World::new(TWO);
    let mut follower = Reconciler::new(None);
    LISTS.iter().for_each(|list| list(&world, &mut follower));
    assert!(!follower.state().active);
}

#[test]
fn chooses_only_when_every_list_is_in() {
    let world = World::new(TWO);
    for (missing, last) in LISTS.iter().enumerate() {
        let mut controller = Reconciler::new(None);
        controller.set_leading(true);
        let others = LISTS
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != missing);
        others.for_each(|(_, list)| list(&world, &mut controller));
        assert!(!controller.state().active, "without list {missing}");
        last(&world, &mut controller);
        assert!(controller.state().active);
        controller.set_leading(false);
        assert!(!controller.state().active);
    }
}

#[test]
fn chooses_nothing_before_a_valid_configuration_and_keeps_the_last_valid_one() {
    let mut world = World::new(TWO);
    world.create("a");
    world.rest();
    let faults = Config::from_yaml("pools: 7").unwrap_err();
    let faulty = InvalidConfig {
        uid: "uid".to_owned(),
        faults,
        in_force: None,
    };
    for state in [
        ConfigState::Absent(None),
        ConfigState::Invalid(faulty.clone()),
    ] {
        let mut fresh = Reconciler::new(None);
        fresh.set_leading(true);
        fresh.config_changed(state.clone());
        fresh.namespaces_changed(Change::Reset(Vec::new()));
        let services = world.services.values().cloned().collect();
        fresh.services_changed(Change::Reset(services));
        assert!(!fresh.state().active);
        assert!(
            !fresh
                .take_actions()
                .iter()
                .any(|a| matches!(a, Action::Write(_)))
        );
        world.controller.config_changed(state);
    }
    assert_eq!(
        world.controller.take_actions(),
        [Action::NotifyConfig(faulty.clone())]
    );
    world
        .controller
        .config_changed(ConfigState::Invalid(faulty));
    assert_eq!(world.controller.take_actions(), []);
    world.create("b");
    world.rest();
    assert_eq!(world.status("b"), ["10.0.0.2"]);
}

#[test]
fn an_invalid_configuration_at_start_leaves_the_accepted_one_active() {
    let accepted = config("[{name: b, addresses: [10.1.0.1/32]}]");
    let faulty = InvalidConfig {
        uid: "uid".to_owned(),
        faults: Config::from_yaml("pools: 7").unwrap_err(),
        in_force: Some(accepted.clone()),
    };
    for state in [
        ConfigState::Absent(Some(accepted)),
        ConfigState::Invalid(faulty),
    ] {
        let mut world = World::new(TWO);
        world.controller.set_leading(true);
        world.controller.config_changed(state);
        world
            .controller
            .namespaces_changed(Change::Reset(Vec::new()));
        world.controller.services_changed(Change::Reset(Vec::new()));
        assert!(world.controller.state().active);
        world.create("a");
        world.rest();
        assert_eq!(world.status("a"), ["10.1.0.1"]);
    }
}

#[test]
fn a_restart_with_five_thousand_services_moves_and_writes_nothing() {
    let mut world = World::new("[{name: lan, addresses: [10.0.0.0/16]}]");
    for number in 0..5000 {
        world.create(&format!("web-{number}"));
    }
    world.rest();
    let before = world.shown();
    assert_eq!((before.len(), world.written), (5000, 5000));
    world.restart();
    world.create("a-first-by-name");
    world.rest();
    let mut after = world.shown();
    assert_eq!(world.written, 5001);
    after.retain(|_, holder| *holder != key("a-first-by-name"));
    assert_eq!(before, after);
}

#[test]
fn a_lowered_quota_releases_nothing_and_applies_to_later_services() {
    let quota = |most| {
        format!(
            "[{{name: lan, addresses: [10.0.0.0/24], serviceAllocation: {{maxPerNamespace: {most}}}}}]"
        )
    };
    let mut world = World::new(&quota(3));
    for name in ["a", "b", "c"] {
        world.create(name);
    }
    world.rest();
    let before = world.shown();
    world.configure(&quota(1));
    world.restart();
    world.create("late");
    world.create("other/late");
    world.rest();
    assert!(world.status("late").is_empty());
    assert_eq!(world.status("other/late"), ["10.0.0.3"]);
    let after = world.shown();
    assert!(
        before
            .iter()
            .all(|(ip, holder)| after.get(ip) == Some(holder))
    );
    // Only below the new quota there is room again.
    for (gone, served) in [("a", false), ("b", false), ("c", true)] {
        world.delete(gone);
        world.rest();
        assert_eq!(!world.status("late").is_empty(), served, "after {gone}");
    }
}
