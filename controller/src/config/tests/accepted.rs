//! What is kept of a configuration without a fault, and when it is in force.

use ferrolb_core::change::Change;

use super::{POOL, config_map, no_config_map, ours, pools, sources, sources_after, stored};
use crate::config::{AcceptedWrite, ConfigObject, ConfigOutput, ConfigSources, SourceEvent};
use crate::reconcile::ConfigState;

const TEXT: &str = "pools: [{name: a, addresses: [10.0.0.0/24]}]";

/// The names of the pools that are in force although the doors do not say so.
fn in_force(outputs: &[ConfigOutput]) -> Vec<String> {
    let config = match outputs.last() {
        Some(ConfigOutput::State(ConfigState::Invalid(faulty))) => faulty.in_force.clone(),
        Some(ConfigOutput::State(ConfigState::Absent(config))) => config.clone(),
        other => panic!("neither faulty nor absent but {other:?}"),
    };
    let config = config.expect("something in force");
    config.pools.into_iter().map(|pool| pool.name).collect()
}

/// What one leaves that has read these.
fn left_by(text: Option<&str>, objects: &[&str]) -> AcceptedWrite {
    let mut sources = sources();
    sources.apply(text.map_or_else(no_config_map, config_map));
    let objects = objects.iter().map(|name| ours(name, "10.1.0.0/24"));
    apply_objects(&mut sources, objects.collect());
    sources.accepted_write().expect("something to write")
}

fn apply_objects(sources: &mut ConfigSources, objects: Vec<ConfigObject>) -> Vec<ConfigOutput> {
    sources.apply(SourceEvent::Served(vec![POOL]));
    sources.apply(SourceEvent::Objects(POOL, Change::Reset(objects)))
}

#[test]
fn what_has_no_fault_is_written_with_what_it_was_made_from() {
    let write = left_by(Some(TEXT), &["b"]);
    assert_eq!(write.version, None);
    assert_eq!(write.made_from, "ConfigMap/ferrolb@7 IPAddressPool/b@3");
    let mut next = sources_after(Some(&write));
    next.apply(config_map(&write.text));
    assert_eq!(
        pools(&next.apply(SourceEvent::Served(Vec::new()))),
        ["a", "b"]
    );
}

#[test]
fn writes_only_what_is_not_there_yet_and_restores_what_was_changed() {
    let left = left_by(Some(TEXT), &[]);
    let mut sources = sources_after(Some(&left));
    sources.apply(config_map(TEXT));
    apply_objects(&mut sources, Vec::new());
    assert_eq!(sources.accepted_write(), None);
    let edited = AcceptedWrite {
        text: "pools: []".to_owned(),
        ..left.clone()
    };
    sources.apply(stored(Some(&edited), "2"));
    let version = Some("2".to_owned());
    let restored = AcceptedWrite {
        version,
        ..left.clone()
    };
    assert_eq!(sources.accepted_write(), Some(restored));
    sources.apply(stored(None, "3"));
    assert_eq!(sources.accepted_write(), Some(left));
}

#[test]
fn a_fault_leaves_what_was_accepted_in_force_and_in_writing() {
    let mut sources = sources();
    sources.apply(config_map(TEXT));
    apply_objects(&mut sources, Vec::new());
    let write = sources.accepted_write();
    assert_eq!(in_force(&sources.apply(config_map("pools: 7"))), ["a"]);
    assert_eq!(sources.accepted_write(), write);
}

#[test]
fn one_that_begins_under_a_fault_begins_with_what_was_accepted() {
    let mut sources = sources_after(Some(&left_by(Some(TEXT), &[])));
    sources.apply(config_map("pools: 7"));
    assert_eq!(
        in_force(&sources.apply(SourceEvent::Served(Vec::new()))),
        ["a"]
    );
    assert_eq!(sources.accepted_write(), None);
}

#[test]
fn what_was_accepted_and_cannot_be_read_is_not_in_force() {
    let broken = AcceptedWrite {
        text: "pools: 8".to_owned(),
        ..left_by(Some(TEXT), &[])
    };
    let mut sources = sources_after(Some(&broken));
    sources.apply(config_map("pools: 7"));
    let outputs = sources.apply(SourceEvent::Served(Vec::new()));
    let Some(ConfigOutput::State(ConfigState::Invalid(faulty))) = outputs.last() else {
        panic!("{outputs:?}");
    };
    assert_eq!(faulty.in_force, None);
    assert_eq!(sources.accepted_write(), None);
}

#[test]
fn a_config_map_that_is_gone_takes_nothing_away() {
    let mut sources = sources_after(Some(&left_by(Some(TEXT), &["b"])));
    sources.apply(no_config_map());
    let outputs = apply_objects(&mut sources, Vec::new());
    assert_eq!(in_force(&outputs), ["a", "b"]);
    let Some(ConfigOutput::Notice(notice)) = outputs.first() else {
        panic!("{outputs:?}");
    };
    assert_eq!((notice.reason, &*notice.uid), ("ConfigMissing", "accepted"));
}

#[test]
fn the_config_map_deleted_while_it_is_watched_takes_nothing_away() {
    let mut sources = sources();
    sources.apply(config_map(TEXT));
    apply_objects(&mut sources, Vec::new());
    sources.apply(stored(sources.accepted_write().as_ref(), "2"));
    assert_eq!(in_force(&sources.apply(no_config_map())), ["a"]);
    assert_eq!(sources.accepted_write(), None);
}

#[test]
fn the_last_object_deleted_in_our_absence_is_gone() {
    let mut sources = sources_after(Some(&left_by(None, &["b"])));
    sources.apply(no_config_map());
    let none: [String; 0] = [];
    assert_eq!(pools(&apply_objects(&mut sources, Vec::new())), none);
    assert!(sources.accepted_write().is_some());
}

#[test]
fn resources_that_are_not_served_any_more_take_nothing_away() {
    let mut sources = sources_after(Some(&left_by(None, &["b"])));
    sources.apply(no_config_map());
    assert_eq!(
        in_force(&sources.apply(SourceEvent::Served(Vec::new()))),
        ["b"]
    );
}

#[test]
fn without_its_config_map_the_objects_say_what_there_is() {
    let mut sources = sources_after(Some(&left_by(Some(TEXT), &["b"])));
    sources.apply(no_config_map());
    let objects = vec![ours("b", "10.1.0.0/24")];
    assert_eq!(pools(&apply_objects(&mut sources, objects)), ["b"]);
}

#[test]
fn a_follower_waits_for_nothing_accepted_and_writes_nothing() {
    let mut sources = ConfigSources::new("ferrolb-system".to_owned(), false);
    sources.apply(config_map(TEXT));
    assert_eq!(
        pools(&sources.apply(SourceEvent::Served(Vec::new()))),
        ["a"]
    );
    assert_eq!(sources.accepted_write(), None);
}
