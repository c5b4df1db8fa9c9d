//! What administrators are notified of their pools.

use super::server::World;
use crate::reconcile::{BackgroundWrite, PoolObject};
use ferrolb_api::pool::IPAddressPoolStatus;
use ferrolb_core::change::Change;

const LAN: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.4, 'fd77::/64']}]";

fn object(shown: Option<IPAddressPoolStatus>) -> PoolObject {
    PoolObject {
        name: "lan".to_owned(),
        uid: "uid".to_owned(),
        shown,
    }
}

/// Four IPv4 addresses, and more IPv6 ones than a status can count.
fn counts(assigned_ipv4: i64) -> IPAddressPoolStatus {
    IPAddressPoolStatus {
        assigned_ipv4,
        assigned_ipv6: 0,
        available_ipv4: 4 - assigned_ipv4,
        available_ipv6: i64::MAX,
    }
}

fn world(objects: Vec<PoolObject>) -> World {
    let mut world = World::new(LAN);
    world.controller.pools_changed(Change::Reset(objects));
    world.pass(0);
    world
}

/// The counts that were to be written, all done now.
fn written(world: &mut World) -> Vec<IPAddressPoolStatus> {
    let background: Vec<BackgroundWrite> = world.background.drain(..).collect();
    let done = background.iter().filter_map(|write| {
        world.controller.background_ended(write, true);
        match write {
            BackgroundWrite::PoolStatus { counts, .. } => Some(*counts),
            BackgroundWrite::DeleteOrphan { .. } => None,
        }
    });
    done.collect()
}

#[test]
fn a_pools_status_is_written_once_a_second_at_most() {
    let mut world = world(vec![object(None)]);
    assert_eq!(written(&mut world), [counts(0)]);
    for name in ["a", "b", "c"] {
        world.create(name);
    }
    world.rest();
    assert_eq!(world.background, []);
    assert!(world.controller.next_timeout().is_some());
    world.pass(1);
    assert_eq!(written(&mut world), [counts(3)]);
    world.pass(60);
    assert_eq!(world.background, []);
    assert_eq!(world.controller.next_timeout(), None);
}

#[test]
fn a_correct_status_or_a_pool_of_the_config_map_is_not_written() {
    let mut right = world(vec![object(Some(counts(0)))]);
    assert_eq!(written(&mut right), []);
    let mut text = world(Vec::new());
    text.create("a");
    text.rest();
    assert_eq!(text.background, []);
}

#[test]
fn a_status_that_was_changed_by_others_is_restored() {
    let mut world = world(vec![object(Some(counts(0)))]);
    world
        .controller
        .pools_changed(Change::Apply(object(Some(counts(2)))));
    world.pass(1);
    assert_eq!(written(&mut world), [counts(0)]);
}

#[test]
fn a_failed_write_is_retried_after_a_while() {
    let mut world = world(vec![object(None)]);
    let write = world.background.remove(0);
    world.pass(1);
    assert_eq!(world.background, [], "one is under way");
    world.controller.background_ended(&write, false);
    world.pass(4);
    assert_eq!(world.background, []);
    world.pass(1);
    assert_eq!(written(&mut world), [counts(0)]);
}

#[test]
fn warnings_are_about_the_pool_object_or_the_config_map() {
    for (objects, uid) in [(vec![object(None)], Some("uid")), (Vec::new(), None)] {
        let mut world = world(objects);
        for name in ["a", "b", "c", "d"] {
            world.create(name);
            world.rest();
        }
        let notes: Vec<_> = world
            .pool_notices
            .iter()
            .map(|notice| &*notice.note)
            .collect();
        let expected = [
            "Pool lan is 75% full for IPv4: 3 of 4 addresses assigned, 1 free",
            "Pool lan has no free IPv4 address: 4 of 4 assigned. Add addresses to the pool",
        ];
        assert_eq!(notes, expected);
        assert_eq!(world.pool_notices[0].uid.as_deref(), uid);
    }
}

#[test]
fn there_is_no_warning_before_the_pool_objects_are_listed() {
    let mut world = World::new("[{name: lan, addresses: [10.0.0.1/32]}]");
    world.create("a");
    world.rest();
    assert_eq!(world.pool_notices, []);
    world
        .controller
        .pools_changed(Change::Reset(vec![object(None)]));
    world.pass(0);
    assert_eq!(world.pool_notices.len(), 1);
}
