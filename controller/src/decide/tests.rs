//! What a Service gets, keeps and must release, and which reason is reported.

use ferrolb_core::range::Family::{V4, V6};

use super::{Context, Decision, Namespaces, ReleaseReason};
use crate::allocator::Allocator;
use crate::service::{FamilyPolicy, Request, ServiceView};
use crate::tests::{allocator, ips, service};

const LAN: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.2, fd77::1-fd77::2]}]";

fn dual(name: &str, policy: FamilyPolicy) -> ServiceView {
    ServiceView {
        families: vec![V6, V4],
        policy,
        ..service(name)
    }
}

fn asking(name: &str, texts: &[&str]) -> ServiceView {
    ServiceView {
        request: Request::These(ips(texts)),
        ..service(name)
    }
}

fn having(view: ServiceView, texts: &[&str]) -> ServiceView {
    ServiceView {
        status: ips(texts),
        ..view
    }
}

fn decided(view: &ServiceView, allocator: &mut Allocator) -> Decision {
    decide(view, None, allocator)
}

fn decide(view: &ServiceView, class: Option<&str>, allocator: &mut Allocator) -> Decision {
    let namespaces = Namespaces::new();
    let context = Context {
        class,
        namespaces: &namespaces,
    };
    super::decide(view, &context, allocator)
}

fn reason(decision: &Decision) -> String {
    decision.refusal.as_ref().unwrap().to_string()
}

#[test]
fn gives_the_first_free_address() {
    let mut allocator = allocator(LAN);
    let first = decided(&service("a"), &mut allocator);
    assert_eq!(first.write, Some(ips(&["10.0.0.1"])));
    let second = decided(&service("b"), &mut allocator);
    assert_eq!(second.write, Some(ips(&["10.0.0.2"])));
}

#[test]
fn deciding_again_changes_nothing() {
    let mut allocator = allocator(LAN);
    let first = decided(&service("a"), &mut allocator);
    assert_eq!(decided(&service("a"), &mut allocator), first);
    let written = having(service("a"), &["10.0.0.1"]);
    assert_eq!(decided(&written, &mut allocator).write, None);
}

#[test]
fn gives_the_reason_of_each_pool() {
    let pools = "[{name: six, addresses: ['fd77::/64']}, {name: off, addresses: [10.9.0.0/24], autoAssign: false}, {name: one, addresses: [10.0.0.1/32]}]";
    let mut allocator = allocator(pools);
    decided(&service("a"), &mut allocator);
    let refused = decided(&service("b"), &mut allocator);
    assert_eq!(refused.write, None);
    assert!(!refused.waits.is_empty());
    assert_eq!(
        reason(&refused),
        "No address available: pool six: has no IPv4 addresses; pool off: autoAssign is false; pool one: no free IPv4 address"
    );
}

#[test]
fn leaves_services_of_another_class_alone_and_never_reassigns_their_addresses() {
    let mut allocator = allocator(LAN);
    let other = ServiceView {
        class: Some("example.com/other".to_owned()),
        ..having(service("other"), &["10.0.0.1"])
    };
    assert_eq!(decided(&other, &mut allocator), Decision::default());
    let ours = decided(&service("a"), &mut allocator);
    assert_eq!(ours.write, Some(ips(&["10.0.0.2"])));
}

#[test]
fn with_a_class_serves_that_class_only() {
    let mut allocator = allocator(LAN);
    let class = Some("ferrolb.io/lan");
    assert_eq!(
        decide(&service("a"), class, &mut allocator),
        Decision::default()
    );
    let ours = ServiceView {
        class: class.map(str::to_owned),
        ..service("b")
    };
    assert!(decide(&ours, class, &mut allocator).write.is_some());
}

#[test]
fn honours_a_requested_address_even_without_auto_assign() {
    let mut allocator = allocator("[{name: a, addresses: [10.0.0.0/24], autoAssign: false}]");
    let decision = decided(&asking("a", &["10.0.0.77"]), &mut allocator);
    assert_eq!(decision.write, Some(ips(&["10.0.0.77"])));
}

#[test]
fn explains_why_a_requested_address_is_unavailable() {
    let mut allocator = allocator(LAN);
    decided(&service("a"), &mut allocator);
    let held = decided(&asking("b", &["10.0.0.1"]), &mut allocator);
    assert!(reason(&held).ends_with("10.0.0.1 is held by Service default/a"));
    assert!(!held.waits.is_empty());
    let foreign = decided(&asking("c", &["192.0.2.1"]), &mut allocator);
    assert!(reason(&foreign).ends_with("no pool contains 192.0.2.1"));
    let wrong = decided(&asking("d", &["fd77::1"]), &mut allocator);
    assert!(reason(&wrong).contains("does not match the IP families of the Service (IPv4)"));
}

#[test]
fn moves_to_a_newly_requested_address_and_stays_if_it_cannot() {
    let mut allocator = allocator(LAN);
    let moved = decided(
        &having(asking("a", &["10.0.0.2"]), &["10.0.0.1"]),
        &mut allocator,
    );
    assert_eq!(moved.write, Some(ips(&["10.0.0.2"])));
    let stays = decided(
        &having(asking("a", &["192.0.2.1"]), &["10.0.0.1"]),
        &mut allocator,
    );
    assert_eq!(stays.write, None);
    assert!(stays.refusal.is_some());
}

#[test]
fn a_malformed_request_releases_nothing() {
    let mut allocator = allocator(LAN);
    let view = ServiceView {
        request: Request::Malformed("nonsense".to_owned()),
        ..having(service("a"), &["10.0.0.2"])
    };
    let decision = decided(&view, &mut allocator);
    assert_eq!(decision.write, None);
    assert!(reason(&decision).contains("nonsense"));
}

#[test]
fn an_address_that_another_host_uses_is_released_only_if_another_can_be_chosen() {
    let mut allocator = allocator(LAN);
    let mac = || "02:00:00:00:00:99".to_owned();
    allocator.quarantine(ips(&["10.0.0.1"])[0], mac());
    let view = having(service("a"), &["10.0.0.1"]);
    let moved = decided(&view, &mut allocator);
    assert_eq!(moved.write, Some(ips(&["10.0.0.2"])));
    assert_eq!(moved.released[0].why, ReleaseReason::ForeignHost(mac()));
    allocator.retain(&view.key, &[]);
    // A request that cannot be parsed may be one for this address.
    let view = ServiceView {
        request: Request::Malformed("nonsense".to_owned()),
        ..view
    };
    let stays = decided(&view, &mut allocator);
    assert_eq!((stays.write, stays.released), (None, Vec::new()));
}

#[test]
fn dual_stack_is_written_in_the_order_of_the_families() {
    let mut allocator = allocator(LAN);
    let decision = decided(&dual("a", FamilyPolicy::RequireDual), &mut allocator);
    assert_eq!(decision.write, Some(ips(&["fd77::1", "10.0.0.1"])));
}

#[test]
fn required_dual_stack_takes_both_from_one_pool_or_nothing() {
    let pools = "[{name: four, addresses: [10.0.0.0/24]}, {name: six, addresses: ['fd77::/64']}]";
    let mut split = allocator(pools);
    let refused = decided(&dual("a", FamilyPolicy::RequireDual), &mut split);
    assert_eq!(refused.write, None);
    assert_eq!(
        reason(&refused),
        "No address available: pool four: has no IPv6 addresses; pool six: has no IPv4 addresses"
    );
    let single = ServiceView {
        families: vec![V4],
        ..dual("b", FamilyPolicy::RequireDual)
    };
    assert!(reason(&decided(&single, &mut allocator(LAN))).contains("one IP family"));
}

#[test]
fn preferred_dual_stack_is_content_with_one_and_completed_later() {
    let mut allocator = allocator("[{name: lan, addresses: [10.0.0.0/24, fd77::1/128]}]");
    let taker = ServiceView {
        families: vec![V6],
        ..service("taker")
    };
    decided(&taker, &mut allocator);
    let view = dual("a", FamilyPolicy::PreferDual);
    let one = decided(&view, &mut allocator);
    assert_eq!(one.write, Some(ips(&["10.0.0.0"])));
    assert!(!one.waits.is_empty() && one.refusal.is_none());
    allocator.retain(&taker.key, &[]);
    let both = decided(&having(view, &["10.0.0.0"]), &mut allocator);
    assert_eq!(both.write, Some(ips(&["fd77::1", "10.0.0.0"])));
}

#[test]
fn a_change_to_single_stack_releases_the_other_family() {
    let mut allocator = allocator(LAN);
    let decision = decided(
        &having(service("a"), &["fd77::1", "10.0.0.2"]),
        &mut allocator,
    );
    assert_eq!(decision.write, Some(ips(&["10.0.0.2"])));
    assert_eq!(decision.released[0].ip, ips(&["fd77::1"])[0]);
}

#[test]
fn an_address_of_no_pool_is_released_and_replaced() {
    let mut allocator = allocator(LAN);
    let decision = decided(&having(service("a"), &["192.0.2.9"]), &mut allocator);
    assert_eq!(decision.write, Some(ips(&["10.0.0.1"])));
    assert_eq!(
        decision.released[0].to_string(),
        "Released 192.0.2.9: no pool contains it"
    );
}

#[test]
fn of_two_services_with_one_address_the_second_is_moved() {
    let mut allocator = allocator(LAN);
    let older = having(service("a"), &["10.0.0.1"]);
    assert_eq!(decided(&older, &mut allocator).write, None);
    let newer = decided(&having(service("b"), &["10.0.0.1"]), &mut allocator);
    assert_eq!(newer.write, Some(ips(&["10.0.0.2"])));
    assert!(
        newer.released[0]
            .to_string()
            .contains("held by Service default/a")
    );
}

#[test]
fn a_status_wiped_by_hand_gets_its_address_back() {
    let mut allocator = allocator(LAN);
    decided(&having(service("a"), &["10.0.0.2"]), &mut allocator);
    let decision = decided(&service("a"), &mut allocator);
    assert_eq!(decision.write, Some(ips(&["10.0.0.2"])));
}

#[test]
fn a_service_that_is_no_longer_a_load_balancer_loses_addresses_of_our_pools_only() {
    let mut allocator = allocator(LAN);
    let plain = |status: &[&str]| ServiceView {
        load_balancer: false,
        ..having(service("a"), status)
    };
    let ours = decided(&plain(&["10.0.0.1"]), &mut allocator);
    assert_eq!(ours.write, Some(Vec::new()));
    let others = decided(&plain(&["192.0.2.1"]), &mut allocator);
    assert_eq!(others, Decision::default());
}

#[test]
fn a_service_being_deleted_is_left_alone_and_keeps_its_address() {
    let mut allocator = allocator(LAN);
    let leaving = ServiceView {
        deleting: true,
        ..having(service("a"), &["10.0.0.1"])
    };
    assert_eq!(decided(&leaving, &mut allocator), Decision::default());
    let next = decided(&service("b"), &mut allocator);
    assert_eq!(next.write, Some(ips(&["10.0.0.2"])));
}

#[test]
fn an_ingress_that_is_not_canonical_is_written_again() {
    let mut allocator = allocator(LAN);
    let view = ServiceView {
        ingress_is_canonical: false,
        ..having(service("a"), &["10.0.0.1"])
    };
    assert_eq!(
        decided(&view, &mut allocator).write,
        Some(ips(&["10.0.0.1"]))
    );
}
