//! When a pool is told that it overlaps what the cluster has itself.

use ferrolb_core::change::Change;

use super::{POOL, config_map, no_config_map, ours, sources};
use crate::config::{
    ClusterObject, ConfigOutput, ConfigSources, RangeKind, ReservedRange, SourceEvent,
};

fn object(name: &str, ranges: &[(RangeKind, &str)]) -> ClusterObject {
    let parse = |(kind, range): &(RangeKind, &str)| ReservedRange {
        kind: *kind,
        range: range.parse().unwrap(),
    };
    ClusterObject {
        name: name.to_owned(),
        ranges: ranges.iter().map(parse).collect(),
    }
}

/// Nodes with these addresses, numbered from 0.
fn nodes(addresses: &[&str]) -> Vec<ClusterObject> {
    let nodes = addresses.iter().enumerate();
    nodes
        .map(|(number, range)| object(&format!("n{number}"), &[(RangeKind::Node, range)]))
        .collect()
}

/// Of one with a pool in the text.
fn with_pool() -> ConfigSources {
    let mut sources = sources();
    sources.apply(config_map(
        "pools: [{name: lan, addresses: [10.0.0.0/24, 10.2.0.0/24]}]",
    ));
    sources.apply(SourceEvent::Served(Vec::new()));
    sources
}

/// What is told, and to which object.
fn told(outputs: Vec<ConfigOutput>) -> Vec<(String, String)> {
    let notices = outputs.into_iter().filter_map(|output| match output {
        ConfigOutput::Notice(told) => Some((format!("{}/{}", told.kind, told.name), told.note)),
        _ => None,
    });
    notices.collect()
}

fn notes(outputs: Vec<ConfigOutput>) -> Vec<String> {
    told(outputs).into_iter().map(|(_, note)| note).collect()
}

#[test]
fn each_kind_of_occupant_is_named_once_for_each_range() {
    let mut sources = with_pool();
    let node = [
        (RangeKind::Node, "10.0.0.5/32"),
        (RangeKind::Pods, "10.2.0.128/25"),
        (RangeKind::Pods, "10.9.0.0/24"),
    ];
    let outputs = sources.apply(SourceEvent::Nodes(Change::Apply(object("a", &node))));
    assert_eq!(
        notes(outputs),
        [
            "Pool \"lan\": 10.0.0.0/24 overlaps 10.0.0.5 (node a); such addresses must not be assigned",
            "Pool \"lan\": 10.2.0.0/24 overlaps 10.2.0.128/25 (pods of node a); such addresses must not be assigned",
        ]
    );
    let services = object("kubernetes", &[(RangeKind::Services, "10.0.0.0/16")]);
    assert_eq!(
        notes(sources.apply(SourceEvent::ServiceCidrs(Change::Reset(vec![services])))),
        [
            "Pool \"lan\": 10.0.0.0/24 overlaps 10.0.0.0/16 (Services, ServiceCIDR kubernetes); such addresses must not be assigned"
        ]
    );
}

#[test]
fn is_told_once_and_again_only_after_it_was_over() {
    let mut sources = with_pool();
    let reset = || SourceEvent::Nodes(Change::Reset(nodes(&["10.0.0.5/32"])));
    assert_eq!(notes(sources.apply(reset())).len(), 1);
    assert_eq!(notes(sources.apply(reset())).len(), 0);
    let gone = SourceEvent::Nodes(Change::Delete("n0".to_owned()));
    assert_eq!(notes(sources.apply(gone)).len(), 0);
    assert_eq!(notes(sources.apply(reset())).len(), 1);
}

#[test]
fn many_nodes_make_one_warning_that_stays_as_they_come() {
    let mut sources = with_pool();
    let many: Vec<String> = (1..=9)
        .map(|number| format!("10.0.0.{number}/32"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = notes(sources.apply(SourceEvent::Nodes(Change::Reset(nodes(&many[..8])))));
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("10.0.0.3 (node n2) and more;"), "{said:?}");
    let one_more = SourceEvent::Nodes(Change::Apply(nodes(&many).remove(8)));
    assert_eq!(notes(sources.apply(one_more)).len(), 0);
}

#[test]
fn a_pool_that_comes_later_is_told_too_and_as_the_object_it_is() {
    let mut sources = sources();
    sources.apply(no_config_map());
    sources.apply(SourceEvent::Nodes(Change::Reset(nodes(&["10.0.0.5/32"]))));
    sources.apply(SourceEvent::Served(vec![POOL]));
    let pool = Change::Reset(vec![ours("b", "10.0.0.0/24")]);
    let told = told(sources.apply(SourceEvent::Objects(POOL, pool)));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "IPAddressPool/b");
}

#[test]
fn what_lies_beside_the_pools_is_nobodys_business() {
    let mut sources = with_pool();
    let beside = nodes(&["10.0.1.0/32", "10.1.255.255/32", "fd77::1/128"]);
    assert_eq!(
        notes(sources.apply(SourceEvent::Nodes(Change::Reset(beside)))).len(),
        0
    );
}
