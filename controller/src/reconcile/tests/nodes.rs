//! What Nodes that are not Ready mean for the condition `Announced`.

use super::server::{World, report};

const LAN: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.9, 'fd77::1-fd77::9']}]";

const CERTAIN: (&str, &str, &str) = ("True", "Announced", "10.0.0.1 by n1 (eth0)");
const UNCERTAIN: (&str, &str, &str) = (
    "Unknown",
    "NodeNotReady",
    "10.0.0.1 by n1 (eth0), which is not Ready",
);

/// Two Nodes that are Ready, of which the first announces a Service's address.
fn world() -> World {
    let mut world = World::new(LAN);
    world.install_speakers();
    world.install_nodes(&["n1", "n2"]);
    world.create("web");
    world.rest();
    world.announce(report("n1", "web", &[("10.0.0.1", 5)]));
    world.rest();
    assert_eq!(world.announced("web"), Some(CERTAIN));
    world
}

#[test]
fn a_node_that_is_not_ready_makes_its_announcements_uncertain() {
    let mut world = world();
    let before = world.written;
    for _ in 0..2 {
        world.set_ready("n1", false);
        world.rest();
        assert_eq!(world.announced("web"), Some(UNCERTAIN));
    }
    assert_eq!(world.written, before + 1);
    for _ in 0..2 {
        world.set_ready("n1", true);
        world.rest();
        assert_eq!(world.announced("web"), Some(CERTAIN));
    }
    assert_eq!(world.written, before + 2);
    world.set_ready("n2", false);
    world.rest();
    assert_eq!(world.written, before + 2, "n2 announces nothing");
}

#[test]
fn a_node_that_is_no_longer_listed_makes_its_announcements_uncertain() {
    let mut world = world();
    world.install_nodes(&["n2"]);
    world.rest();
    assert_eq!(world.announced("web"), Some(UNCERTAIN));
    world.install_nodes(&["n1", "n2"]);
    world.rest();
    assert_eq!(world.announced("web"), Some(CERTAIN));
}

#[test]
fn before_the_nodes_are_listed_each_counts_as_ready() {
    let mut world = World::new(LAN);
    world.install_speakers();
    world.create("web");
    world.announce(report("n1", "web", &[("10.0.0.1", 5)]));
    world.rest();
    assert_eq!(world.announced("web"), Some(CERTAIN));
    world.install_nodes(&["n2"]);
    world.rest();
    assert_eq!(world.announced("web"), Some(UNCERTAIN));
}

#[test]
fn a_ready_node_that_announces_it_too_resolves_the_condition_whatever_its_epoch() {
    for epoch in [4, 6] {
        let mut world = world();
        world.set_ready("n1", false);
        world.rest();
        let before = world.written;
        world.announce(report("n2", "web", &[("10.0.0.1", epoch)]));
        world.rest();
        let expected = ("True", "Announced", "10.0.0.1 by n2 (eth0)");
        assert_eq!(world.announced("web"), Some(expected));
        world.remove_report("n1-web");
        world.rest();
        assert_eq!(world.written, before + 1);
    }
}

#[test]
fn a_usual_failover_is_never_unknown() {
    let mut world = world();
    let before = world.written;
    world.announce(report("n2", "web", &[("10.0.0.1", 6)]));
    world.remove_report("n1-web");
    world.rest();
    world.set_ready("n1", false);
    world.rest();
    let expected = ("True", "Announced", "10.0.0.1 by n2 (eth0)");
    assert_eq!(world.announced("web"), Some(expected));
    assert_eq!(world.written, before + 1);
}

#[test]
fn the_report_of_a_dead_node_stays_unknown_until_the_grace_is_over() {
    let mut world = world();
    world.set_ready("n1", false);
    world.rest();
    world.remove_report("n1-web");
    world.pass(9);
    world.rest();
    assert_eq!(world.announced("web"), Some(UNCERTAIN));
    world.pass(1);
    world.rest();
    let (status, reason, _) = world.announced("web").unwrap();
    assert_eq!((status, reason), ("False", "NotAnnounced"));
}

#[test]
fn an_unannounced_or_conflicting_address_outweighs_a_node_that_is_not_ready() {
    use crate::service::FamilyPolicy::RequireDual;
    use crate::service::Request;
    use ferrolb_core::range::Family::{V4, V6};
    let mut world = World::new(LAN);
    world.install_speakers();
    world.install_nodes(&["n2"]);
    let requested = ["10.0.0.1", "fd77::1"].map(|ip| ip.parse().unwrap());
    world.create_as("web", |view| {
        view.families = vec![V4, V6];
        view.policy = RequireDual;
        view.request = Request::These(requested.to_vec());
    });
    world.announce(report("n1", "web", &[("10.0.0.1", 5)]));
    world.rest();
    world.pass(10);
    world.rest();
    let (status, reason, message) = world.announced("web").unwrap();
    assert_eq!((status, reason), ("False", "NotAnnounced"));
    let both = "10.0.0.1 by n1 (eth0), which is not Ready. fd77::1 is not announced";
    assert!(message.starts_with(both), "{message}");
    let mut conflict = report("n2", "web", &[]);
    let mac = "02:00:00:00:00:99".to_owned();
    conflict.conflicts.insert(requested[1], mac);
    world.announce(conflict);
    world.rest();
    let (status, reason, _) = world.announced("web").unwrap();
    assert_eq!((status, reason), ("False", "AddressConflict"));
    world.announce(report("n2", "web", &[("fd77::1", 1)]));
    world.rest();
    let both = "10.0.0.1 by n1 (eth0), which is not Ready, fd77::1 by n2 (eth0)";
    let expected = ("Unknown", "NodeNotReady", both);
    assert_eq!(world.announced("web"), Some(expected));
}

#[test]
fn a_restarted_controller_keeps_unknown_until_it_has_the_nodes() {
    let mut world = world();
    world.set_ready("n1", false);
    world.rest();
    let before = world.written;
    world.restart();
    world.rest();
    assert_eq!(world.announced("web"), Some(UNCERTAIN));
    assert_eq!(world.written, before);
    // Meanwhile the node has come back.
    world.ready = Some(["n1".to_owned()].into());
    world.restart();
    world.rest();
    assert_eq!(world.announced("web"), Some(CERTAIN));
    assert_eq!(world.written, before + 1);
}
