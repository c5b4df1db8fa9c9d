//! Addresses that another host on the LAN uses.

use super::server::{World, report};
use crate::reconcile::Notice;
use crate::service::Request;

const TWO: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.2]}]";
const MAC: &str = "02:00:00:00:00:99";

fn world(pools: &str) -> World {
    let mut world = World::new(pools);
    world.install_speakers();
    world
}

/// A speaker reports another host at the address of a Service.
fn conflict(world: &mut World, name: &str, ip: &str) {
    let mut reported = report("n1", name, &[]);
    reported.conflicts = [(ip.parse().unwrap(), MAC.to_owned())].into();
    world.announce(reported);
}

fn texts(world: &mut World) -> Vec<String> {
    world.notices().iter().map(ToString::to_string).collect()
}

#[test]
fn an_address_that_is_not_requested_is_released_and_replaced() {
    let mut world = world(TWO);
    world.create("web");
    world.rest();
    world.notices();
    conflict(&mut world, "web", "10.0.0.1");
    world.rest();
    assert_eq!(world.status("web"), ["10.0.0.2"]);
    let expected = [
        "Released 10.0.0.1: another host (02:00:00:00:00:99) uses it on the LAN",
        "Assigned 10.0.0.2 from pool lan",
    ];
    assert_eq!(texts(&mut world), expected);
    let page = world.controller.state();
    let kept = &page.quarantined[0];
    assert_eq!(kept.ip.to_string(), "10.0.0.1");
    assert_eq!((&*kept.foreign_mac, kept.seconds_left), (MAC, 600));
}

#[test]
fn a_quarantine_ends_after_ten_minutes_and_not_before() {
    let mut world = world(TWO);
    world.create("web");
    world.rest();
    conflict(&mut world, "web", "10.0.0.1");
    world.rest();
    world.create("next");
    world.rest();
    world.pass(599);
    world.rest();
    assert_eq!(world.status("next"), Vec::<String>::new());
    let refusal = &world.controller.state().refused[0].message;
    assert_eq!(
        refusal,
        "No address available: pool lan: no free IPv4 address, 1 in quarantine: \
         10.0.0.1 (used by another host, 02:00:00:00:00:99)"
    );
    world.remove_report("n1-web");
    world.pass(1);
    world.rest();
    assert_eq!(world.status("next"), ["10.0.0.1"]);
    assert!(world.controller.state().quarantined.is_empty());
}

#[test]
fn a_requested_address_stays_and_the_conflict_is_reported_once() {
    let mut world = world(TWO);
    world.create_as("web", |view| {
        view.request = Request::These(vec!["10.0.0.1".parse().unwrap()]);
    });
    world.rest();
    world.notices();
    for _ in 0..2 {
        conflict(&mut world, "web", "10.0.0.1");
        world.rest();
    }
    assert_eq!(world.status("web"), ["10.0.0.1"]);
    let expected = (
        "False",
        "AddressConflict",
        "10.0.0.1 is not announced: another host (02:00:00:00:00:99) uses it, seen by n1",
    );
    assert_eq!(world.announced("web"), Some(expected));
    assert!(matches!(&world.notices()[..], [Notice::Conflict { .. }]));
    assert!(world.controller.state().quarantined.is_empty());
    // Who stops asking is moved.
    world.change("web", |view| view.request = Request::Any);
    world.rest();
    assert_eq!(world.status("web"), ["10.0.0.2"]);
}

#[test]
fn an_address_in_quarantine_can_be_requested_and_then_stays() {
    let mut world = world(TWO);
    world.create("web");
    world.rest();
    conflict(&mut world, "web", "10.0.0.1");
    world.rest();
    world.remove_report("n1-web");
    world.create_as("fixed", |view| {
        view.request = Request::These(vec!["10.0.0.1".parse().unwrap()]);
    });
    world.rest();
    assert_eq!(world.status("fixed"), ["10.0.0.1"]);
    world.pass(600);
    world.rest();
    assert_eq!(world.status("fixed"), ["10.0.0.1"]);
}

#[test]
fn an_address_that_another_node_announces_stays() {
    let mut world = world(TWO);
    world.create("web");
    world.rest();
    world.announce(report("n2", "web", &[("10.0.0.1", 4)]));
    conflict(&mut world, "web", "10.0.0.1");
    world.rest();
    assert_eq!(world.status("web"), ["10.0.0.1"]);
    assert_eq!(world.announced("web").unwrap().0, "True");
}

#[test]
fn a_service_that_shares_the_address_is_moved_too() {
    let mut world = world(TWO);
    for (name, port) in [("a", 80), ("b", 81)] {
        world.create_as(name, |view| {
            view.terms = super::sharing::terms(1, port, &[])
        });
    }
    world.rest();
    assert_eq!(world.status("b"), ["10.0.0.1"]);
    conflict(&mut world, "a", "10.0.0.1");
    world.rest();
    assert_eq!(world.status("a"), ["10.0.0.2"]);
    assert_eq!(world.status("b"), ["10.0.0.2"]);
}

#[test]
fn a_released_address_is_not_reassigned_before_its_status_is_cleared() {
    let mut world = world("[{name: lan, addresses: [10.0.0.1/32]}]");
    world.create("web");
    world.create_as("fixed", |view| {
        view.request = Request::These(vec!["10.0.0.1".parse().unwrap()]);
    });
    world.rest();
    conflict(&mut world, "web", "10.0.0.1");
    let writes: Vec<_> = world.writes.iter().map(|write| &*write.key.name).collect();
    assert_eq!(writes, ["web"]);
    world.rest();
    assert_eq!(world.status("web"), Vec::<String>::new());
    assert_eq!(world.status("fixed"), ["10.0.0.1"]);
}
