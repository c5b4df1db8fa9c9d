//! What is kept of a configuration without a fault, and when it is in force.

use ferrolb_runtime::kube::Change;

use super::{POOL, config_map, doors, doors_after, no_config_map, ours, pools, remembered};
use crate::config::{AcceptedWrite, Doors};
use crate::k8s::config_sources::Knock;
use crate::k8s::input::Input;
use crate::reconcile::Seen;

const TEXT: &str = "pools: [{name: a, addresses: [10.0.0.0/24]}]";

/// The names of the pools that are in force although the doors do not say so.
fn in_force(inputs: &[Input]) -> Vec<String> {
    let config = match inputs.last() {
        Some(Input::Config(Seen::Faulty(faulty), _)) => faulty.in_force.clone(),
        Some(Input::Config(Seen::Absent(config), _)) => config.clone(),
        other => panic!("neither faulty nor absent but {other:?}"),
    };
    let config = config.expect("something in force");
    config.pools.into_iter().map(|pool| pool.name).collect()
}

/// What one leaves that has read these.
fn left_by(text: Option<&str>, objects: &[&str]) -> AcceptedWrite {
    let mut doors = doors();
    doors.hear(text.map_or_else(no_config_map, config_map));
    let objects = objects.iter().map(|name| ours(name, "10.1.0.0/24"));
    hear_objects(&mut doors, objects.collect());
    doors.remember().expect("something to write")
}

fn hear_objects(doors: &mut Doors, objects: Vec<kube::core::DynamicObject>) -> Vec<Input> {
    doors.hear(Knock::Served(vec![POOL]));
    doors.hear(Knock::Objects(POOL, Change::Reset(objects)))
}

#[test]
fn what_has_no_fault_is_written_with_what_it_was_made_from() {
    let write = left_by(Some(TEXT), &["b"]);
    assert_eq!(write.version, None);
    assert_eq!(write.made_from, "ConfigMap/ferrolb@7 IPAddressPool/b@3");
    let mut next = doors_after(Some(&write));
    next.hear(config_map(&write.text));
    assert_eq!(pools(&next.hear(Knock::Served(Vec::new()))), ["a", "b"]);
}

#[test]
fn writes_only_what_is_not_there_yet_and_restores_what_was_changed() {
    let left = left_by(Some(TEXT), &[]);
    let mut doors = doors_after(Some(&left));
    doors.hear(config_map(TEXT));
    hear_objects(&mut doors, Vec::new());
    assert_eq!(doors.remember(), None);
    let edited = AcceptedWrite {
        text: "pools: []".to_owned(),
        ..left.clone()
    };
    doors.hear(remembered(Some(&edited), "2"));
    let version = Some("2".to_owned());
    let restored = AcceptedWrite {
        version,
        ..left.clone()
    };
    assert_eq!(doors.remember(), Some(restored));
    doors.hear(remembered(None, "3"));
    assert_eq!(doors.remember(), Some(left));
}

#[test]
fn a_fault_leaves_what_was_accepted_in_force_and_in_writing() {
    let mut doors = doors();
    doors.hear(config_map(TEXT));
    hear_objects(&mut doors, Vec::new());
    let write = doors.remember();
    assert_eq!(in_force(&doors.hear(config_map("pools: 7"))), ["a"]);
    assert_eq!(doors.remember(), write);
}

#[test]
fn one_that_begins_under_a_fault_begins_with_what_was_accepted() {
    let mut doors = doors_after(Some(&left_by(Some(TEXT), &[])));
    doors.hear(config_map("pools: 7"));
    assert_eq!(in_force(&doors.hear(Knock::Served(Vec::new()))), ["a"]);
    assert_eq!(doors.remember(), None);
}

#[test]
fn what_was_accepted_and_cannot_be_read_is_not_in_force() {
    let broken = AcceptedWrite {
        text: "pools: 8".to_owned(),
        ..left_by(Some(TEXT), &[])
    };
    let mut doors = doors_after(Some(&broken));
    doors.hear(config_map("pools: 7"));
    let inputs = doors.hear(Knock::Served(Vec::new()));
    let Some(Input::Config(Seen::Faulty(faulty), _)) = inputs.last() else {
        panic!("{inputs:?}");
    };
    assert_eq!(faulty.in_force, None);
    assert_eq!(doors.remember(), None);
}

#[test]
fn a_config_map_that_is_gone_takes_nothing_away() {
    let mut doors = doors_after(Some(&left_by(Some(TEXT), &["b"])));
    doors.hear(no_config_map());
    let inputs = hear_objects(&mut doors, Vec::new());
    assert_eq!(in_force(&inputs), ["a", "b"]);
    let Some(Input::Objection(objection)) = inputs.first() else {
        panic!("{inputs:?}");
    };
    assert_eq!(
        (objection.reason, &*objection.uid),
        ("ConfigMissing", "accepted")
    );
}

#[test]
fn the_config_map_deleted_while_it_is_watched_takes_nothing_away() {
    let mut doors = doors();
    doors.hear(config_map(TEXT));
    hear_objects(&mut doors, Vec::new());
    doors.hear(remembered(doors.remember().as_ref(), "2"));
    assert_eq!(in_force(&doors.hear(no_config_map())), ["a"]);
    assert_eq!(doors.remember(), None);
}

#[test]
fn the_last_object_deleted_in_our_absence_is_gone() {
    let mut doors = doors_after(Some(&left_by(None, &["b"])));
    doors.hear(no_config_map());
    let none: [String; 0] = [];
    assert_eq!(pools(&hear_objects(&mut doors, Vec::new())), none);
    assert!(doors.remember().is_some());
}

#[test]
fn resources_that_are_not_served_any_more_take_nothing_away() {
    let mut doors = doors_after(Some(&left_by(None, &["b"])));
    doors.hear(no_config_map());
    assert_eq!(in_force(&doors.hear(Knock::Served(Vec::new()))), ["b"]);
}

#[test]
fn without_its_config_map_the_objects_say_what_there_is() {
    let mut doors = doors_after(Some(&left_by(Some(TEXT), &["b"])));
    doors.hear(no_config_map());
    let objects = vec![ours("b", "10.1.0.0/24")];
    assert_eq!(pools(&hear_objects(&mut doors, objects)), ["b"]);
}

#[test]
fn a_follower_waits_for_nothing_accepted_and_writes_nothing() {
    let mut doors = Doors::new("ferrolb-system".to_owned(), false);
    doors.hear(config_map(TEXT));
    assert_eq!(pools(&doors.hear(Knock::Served(Vec::new()))), ["a"]);
    assert_eq!(doors.remember(), None);
}
