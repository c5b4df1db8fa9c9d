//! From what speakers report to the condition `Announced`.

use ferrolb_core::ineligible::{Ineligible, Unannounced};

use super::server::{World, report};
use crate::reconcile::Announcement;
use crate::reconcile::BackgroundWrite;

const LAN: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.9, 'fd77::1-fd77::9']}]";

/// A Service with the address 10.0.0.1, and speakers that report.
fn world() -> World {
    let mut world = World::new(LAN);
    world.install_speakers();
    world.create("web");
    world.rest();
    world
}

#[test]
fn names_node_and_interfaces_once_the_address_is_announced() {
    let mut world = world();
    let mut reported = report("n1", "web", &[("10.0.0.1", 1)]);
    reported.interfaces.push("eth1".to_owned());
    world.announce(reported);
    world.rest();
    let expected = ("True", "Announced", "10.0.0.1 by n1 (eth0, eth1)");
    assert_eq!(world.announced("web"), Some(expected));
    assert_eq!(world.written, 2, "the address, then the announcement");
}

#[test]
fn without_the_crd_there_is_no_condition() {
    let mut world = World::new(LAN);
    world.create("web");
    world.rest();
    world.pass(3600);
    world.rest();
    assert_eq!(world.announced("web"), None);
}

#[test]
fn a_fresh_service_is_not_called_unannounced_before_the_grace_is_over() {
    let mut world = world();
    world.pass(9);
    world.rest();
    assert_eq!(world.announced("web"), None);
    assert_eq!(
        world.controller.next_timeout(),
        Some(std::time::Duration::from_secs(10))
    );
    world.pass(1);
    world.rest();
    let (announced, reason, message) = world.announced("web").unwrap();
    assert_eq!((announced, reason), ("False", "NotAnnounced"));
    assert!(
        message.starts_with("10.0.0.1 is not announced"),
        "{message}"
    );
    assert_eq!(world.written, 2);
}

#[test]
fn a_hand_over_costs_one_write_whichever_object_goes_or_comes_first() {
    for make_before_break in [true, false] {
        let mut world = world();
        world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
        world.rest();
        let before = world.written;
        if make_before_break {
            world.announce(report("n2", "web", &[("10.0.0.1", 2)]));
            world.rest();
            world.remove_report("n1-web");
        } else {
            world.remove_report("n1-web");
            world.rest();
            world.pass(5);
            world.rest();
            world.announce(report("n2", "web", &[("10.0.0.1", 2)]));
        }
        world.rest();
        world.pass(60);
        world.rest();
        let expected = ("True", "Announced", "10.0.0.1 by n2 (eth0)");
        assert_eq!(world.announced("web"), Some(expected));
        assert_eq!(world.written, before + 1);
    }
}

#[test]
fn of_two_nodes_the_higher_epoch_counts_whichever_reported_last() {
    let mut world = world();
    world.announce(report("n1", "web", &[("10.0.0.1", 9)]));
    world.announce(report("n2", "web", &[("10.0.0.1", 8)]));
    world.rest();
    assert!(world.announced("web").unwrap().2.contains("by n1 "));
}

#[test]
fn an_object_without_a_status_is_ignored() {
    let mut world = world();
    let mut reported = report("n1", "web", &[("10.0.0.1", 1)]);
    reported.node = None;
    world.announce(reported);
    world.rest();
    assert_eq!(world.announced("web"), None);
}

#[test]
fn both_addresses_of_a_dual_stack_service_are_named_in_its_order() {
    use crate::service::FamilyPolicy::RequireDual;
    use ferrolb_core::range::Family::{V4, V6};
    let mut world = World::new(LAN);
    world.install_speakers();
    world.create_as("web", |view| {
        view.families = vec![V6, V4];
        view.policy = RequireDual;
    });
    world.rest();
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.announce(report("n2", "web", &[("fd77::1", 1)]));
    world.rest();
    let expected = "fd77::1 by n2 (eth0), 10.0.0.1 by n1 (eth0)";
    assert_eq!(world.announced("web").unwrap().2, expected);
    world.remove_report("n1-web");
    world.pass(10);
    world.rest();
    let (announced, reason, message) = world.announced("web").unwrap();
    assert_eq!((announced, reason), ("False", "NotAnnounced"));
    assert!(
        message.starts_with("fd77::1 by n2 (eth0). 10.0.0.1 is not announced"),
        "{message}"
    );
}

#[test]
fn the_condition_of_a_moved_service_no_longer_names_the_old_address() {
    let mut world = world();
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.rest();
    let before = world.written;
    world.configure("[{name: lan, addresses: [10.0.0.5/32]}]");
    world.rest();
    assert_eq!(world.status("web"), ["10.0.0.5"]);
    assert_eq!(world.announced("web"), None);
    assert_eq!(world.written, before + 1, "one write for both");
}

#[test]
fn a_condition_about_another_address_is_removed_at_once() {
    let mut world = world();
    world.pass(10);
    world.rest();
    assert!(world.announced("web").is_some());
    world.change("web", |view| {
        view.status = vec!["10.0.0.4".parse().unwrap()]
    });
    world.restart();
    world.rest();
    assert_eq!(world.status("web"), ["10.0.0.4"]);
    assert_eq!(world.announced("web"), None);
}

#[test]
fn a_moved_service_has_the_whole_grace_for_its_new_address() {
    let mut world = world();
    world.pass(9);
    world.configure("[{name: lan, addresses: [10.0.0.5/32]}]");
    world.rest();
    world.pass(9);
    world.rest();
    assert_eq!(world.announced("web"), None);
    world.pass(1);
    world.rest();
    assert!(
        world
            .announced("web")
            .unwrap()
            .2
            .starts_with("10.0.0.5 is not announced")
    );
}

#[test]
fn a_change_of_type_removes_both_conditions() {
    let mut world = world();
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.rest();
    world.change("web", |view| view.load_balancer = false);
    world.rest();
    let view = world.services.values().next().unwrap();
    assert_eq!((&view.allocated, &view.announced), (&None, &None));
}

#[test]
fn an_address_is_written_before_any_condition_text() {
    let mut world = World::new("[{name: lan, addresses: [10.0.0.0/24]}]");
    world.install_speakers();
    for name in ["a", "b", "c"] {
        world.create(name);
    }
    world.rest();
    for (name, ip) in [("a", "10.0.0.0"), ("b", "10.0.0.1"), ("c", "10.0.0.2")] {
        world.announce(report("n1", name, &[(ip, 1)]));
    }
    world.create("late");
    world.show();
    // One word was under way already when the address came up; no other is.
    let waiting: Vec<_> = world.writes.iter().map(|write| &*write.key.name).collect();
    assert_eq!(waiting, ["a", "late"]);
}

#[test]
fn an_announcement_of_a_service_that_changes_meanwhile_is_written_after_all() {
    let mut world = world();
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.change("web", |view| {
        view.labels = [("a".to_owned(), "b".to_owned())].into()
    });
    world.write(true);
    world.rest();
    assert_eq!(world.announced("web").unwrap().0, "True");
}

#[test]
fn a_restarted_controller_writes_nothing_that_is_up_to_date() {
    let mut world = world();
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.rest();
    let before = world.written;
    world.restart();
    world.rest();
    world.pass(60);
    world.rest();
    assert_eq!(world.written, before);
}

#[test]
fn a_renamed_pool_is_written_when_idle_and_moves_nothing() {
    let mut world = World::new("[{name: old, addresses: [10.0.0.0/24]}]");
    for name in ["a", "b"] {
        world.create(name);
    }
    world.rest();
    world.configure("[{name: new, addresses: [10.0.0.0/24]}]");
    world.create("fresh");
    world.show();
    let waiting: Vec<_> = world.writes.iter().map(|write| &*write.key.name).collect();
    assert_eq!(waiting, ["a", "fresh"], "b waits until the writer is idle");
    world.rest();
    assert_eq!(world.status("a"), ["10.0.0.0"]);
    let reported = world
        .services
        .values()
        .map(|view| view.allocated.clone().unwrap().message);
    assert!(
        reported
            .into_iter()
            .all(|message| message.ends_with("from pool new"))
    );
}

/// A report of `reporter` that the address of `web` is not announced.
fn reports(reporter: &str, reasons: &[(&str, Ineligible)]) -> Announcement {
    let reasons = reasons.iter().cloned();
    let reasons = reasons.map(|(node, reason)| (node.to_owned(), reason));
    let why = Unannounced::new(&reasons.collect(), false);
    let mut report = report(reporter, "web", &[]);
    report.unannounced.insert("10.0.0.1".parse().unwrap(), why);
    report
}

#[test]
fn an_address_without_an_eligible_node_has_the_reason_of_the_speakers() {
    let mut world = world();
    let reasons = [
        ("n1", Ineligible::NoEndpoint),
        ("n2", Ineligible::NoEndpoint),
        ("n3", Ineligible::NotInSubnet),
    ];
    world.announce(reports("n1", &reasons));
    world.rest();
    assert_eq!(world.announced("web"), None, "not before the grace is over");
    world.pass(10);
    world.rest();
    let message = "10.0.0.1 is not announced: no interface in the subnet on n3; \
                   no endpoint on 2 nodes (n1, n2)";
    assert_eq!(world.announced("web"), Some(("False", "NoLink", message)));
    world.announce(reports("n1", &[("n1", Ineligible::Excluded)]));
    world.rest();
    let message = "10.0.0.1 is not announced: exclude label on n1";
    let expected = ("False", "NoEligibleNode", message);
    assert_eq!(world.announced("web"), Some(expected));
}

#[test]
fn an_announced_address_has_no_reason_and_the_outdated_report_is_deleted() {
    let mut world = world();
    world.announce(reports("n2", &[("n1", Ineligible::NoEndpoint)]));
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.rest();
    assert_eq!(world.announced("web").unwrap().1, "Announced");
    world.pass(30);
    let deleted: Vec<_> = world.background.iter().map(name).collect();
    assert_eq!(deleted, ["n2-web"]);
}

#[test]
fn a_restarted_controller_keeps_a_reason_that_names_nodes_like_addresses() {
    let mut world = world();
    world.announce(reports("10.0.0.9", &[("10.0.0.9", Ineligible::NoLink)]));
    world.pass(10);
    world.rest();
    let before = world.written;
    world.restart();
    world.rest();
    world.pass(60);
    world.rest();
    assert_eq!(world.announced("web").unwrap().1, "NoLink");
    assert_eq!(world.written, before);
}

#[test]
fn only_an_object_left_behind_is_deleted_after_a_while() {
    let mut world = world();
    world.announce(report("n1", "web", &[("10.0.0.1", 2)]));
    world.announce(report("n2", "web", &[("10.0.0.1", 1)]));
    world.announce(report("n3", "web", &[("10.0.0.7", 1)]));
    world.announce(report("n1", "gone", &[("10.0.0.8", 1)]));
    world.rest();
    world.pass(29);
    assert_eq!(world.background, []);
    world.pass(1);
    let deleted: Vec<_> = world.background.iter().map(name).collect();
    assert_eq!(deleted, ["n1-gone", "n3-web"]);
    // One that could not be deleted is tried again, not at once.
    world.background.clear();
    world.pass(1);
    assert_eq!(world.background, []);
    world.pass(30);
    assert_eq!(world.background.len(), 2);
}

#[test]
fn an_object_that_becomes_current_in_time_is_not_deleted() {
    let mut world = World::new(LAN);
    world.install_speakers();
    world.announce(report("n1", "web", &[("10.0.0.1", 1)]));
    world.pass(20);
    world.create("web");
    world.rest();
    world.pass(20);
    world.delete("web");
    world.rest();
    world.pass(20);
    assert_eq!(world.background, []);
    world.pass(10);
    assert_eq!(world.background.len(), 1);
}

fn name(write: &BackgroundWrite) -> &str {
    match write {
        BackgroundWrite::DeleteOrphan { name, .. } | BackgroundWrite::PoolStatus { name, .. } => {
            name
        }
    }
}
