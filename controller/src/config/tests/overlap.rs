//! When a pool is told that it overlaps what the cluster has itself.

use ferrolb_runtime::kube::Change;

use super::{POOL, config_map, doors, no_config_map, ours};
use crate::config::{Doors, Occupant, Occupied};
use crate::k8s::config_sources::Knock;
use crate::k8s::input::Input;

fn occupied(name: &str, ranges: &[(Occupant, &str)]) -> Occupied {
    let parse = |(occupant, range): &(Occupant, &str)| (*occupant, range.parse().unwrap());
    Occupied {
        name: name.to_owned(),
        ranges: ranges.iter().map(parse).collect(),
    }
}

/// Nodes with these addresses, numbered from 0.
fn nodes(addresses: &[&str]) -> Vec<Occupied> {
    let nodes = addresses.iter().enumerate();
    nodes
        .map(|(number, range)| occupied(&format!("n{number}"), &[(Occupant::Node, range)]))
        .collect()
}

/// Of one with a pool in the text.
fn with_pool() -> Doors {
    let mut doors = doors();
    doors.hear(config_map(
        "pools: [{name: lan, addresses: [10.0.0.0/24, 10.2.0.0/24]}]",
    ));
    doors.hear(Knock::Served(Vec::new()));
    doors
}

/// What is told, and to which object.
fn told(inputs: Vec<Input>) -> Vec<(String, String)> {
    let objections = inputs.into_iter().filter_map(|input| match input {
        Input::Objection(told) => Some((format!("{}/{}", told.kind, told.name), told.note)),
        _ => None,
    });
    objections.collect()
}

fn notes(inputs: Vec<Input>) -> Vec<String> {
    told(inputs).into_iter().map(|(_, note)| note).collect()
}

#[test]
fn each_kind_of_occupant_is_named_once_for_each_range() {
    let mut doors = with_pool();
    let node = [
        (Occupant::Node, "10.0.0.5/32"),
        (Occupant::Pods, "10.2.0.128/25"),
        (Occupant::Pods, "10.9.0.0/24"),
    ];
    let inputs = doors.hear(Knock::Nodes(Change::Apply(occupied("a", &node))));
    assert_eq!(
        notes(inputs),
        [
            "pool \"lan\": 10.0.0.0/24 overlaps 10.0.0.5 (node a); such addresses must not be handed out",
            "pool \"lan\": 10.2.0.0/24 overlaps 10.2.0.128/25 (pods of node a); such addresses must not be handed out",
        ]
    );
    let services = occupied("kubernetes", &[(Occupant::Services, "10.0.0.0/16")]);
    assert_eq!(
        notes(doors.hear(Knock::ServiceRanges(Change::Reset(vec![services])))),
        [
            "pool \"lan\": 10.0.0.0/24 overlaps 10.0.0.0/16 (Services, ServiceCIDR kubernetes); such addresses must not be handed out"
        ]
    );
}

#[test]
fn is_told_once_and_again_only_after_it_was_over() {
    let mut doors = with_pool();
    let reset = || Knock::Nodes(Change::Reset(nodes(&["10.0.0.5/32"])));
    assert_eq!(notes(doors.hear(reset())).len(), 1);
    assert_eq!(notes(doors.hear(reset())).len(), 0);
    let gone = Knock::Nodes(Change::Delete(occupied("n0", &[])));
    assert_eq!(notes(doors.hear(gone)).len(), 0);
    assert_eq!(notes(doors.hear(reset())).len(), 1);
}

#[test]
fn many_nodes_make_one_warning_that_stays_as_they_come() {
    let mut doors = with_pool();
    let many: Vec<String> = (1..=9)
        .map(|number| format!("10.0.0.{number}/32"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = notes(doors.hear(Knock::Nodes(Change::Reset(nodes(&many[..8])))));
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("10.0.0.3 (node n2) and more;"), "{said:?}");
    let one_more = Knock::Nodes(Change::Apply(nodes(&many).remove(8)));
    assert_eq!(notes(doors.hear(one_more)).len(), 0);
}

#[test]
fn a_pool_that_comes_later_is_told_too_and_as_the_object_it_is() {
    let mut doors = doors();
    doors.hear(no_config_map());
    doors.hear(Knock::Nodes(Change::Reset(nodes(&["10.0.0.5/32"]))));
    doors.hear(Knock::Served(vec![POOL]));
    let pool = Change::Reset(vec![ours("b", "10.0.0.0/24")]);
    let told = told(doors.hear(Knock::Objects(POOL, pool)));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "IPAddressPool/b");
}

#[test]
fn what_lies_beside_the_pools_is_nobodys_business() {
    let mut doors = with_pool();
    let beside = nodes(&["10.0.1.0/32", "10.1.255.255/32", "fd77::1/128"]);
    assert_eq!(
        notes(doors.hear(Knock::Nodes(Change::Reset(beside)))).len(),
        0
    );
}
