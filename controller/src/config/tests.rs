//! What follows from what the doors show.

use ferrolb_core::config::Kind;
use ferrolb_runtime::kube::Change;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{AcceptedWrite, Doors};
use crate::k8s::config_sources::Knock;
use crate::k8s::input::Input;
use crate::reconcile::Seen;

const POOL: Kind = Kind::IpAddressPool;

mod accepted;
mod overlap;

/// Of one that leads, with nothing accepted so far.
fn doors() -> Doors {
    doors_after(None)
}

/// Of one that leads, after another that left this.
fn doors_after(accepted: Option<&AcceptedWrite>) -> Doors {
    let mut doors = Doors::new("ferrolb-system".to_owned(), true);
    doors.hear(remembered(accepted, "1"));
    doors
}

/// The ConfigMap as it is once this was written.
fn remembered(write: Option<&AcceptedWrite>, version: &str) -> Knock {
    let map = write.map(|write| {
        let map = json!({
            "metadata": {
                "name": "ferrolb-accepted", "uid": "accepted", "resourceVersion": version,
                "annotations": {"ferrolb.io/made-from": write.made_from},
            },
            "data": {"config.yaml": write.text},
        });
        serde_json::from_value(map).unwrap()
    });
    Knock::Accepted(Change::Reset(map.into_iter().collect()))
}

fn config_map(text: &str) -> Knock {
    let map = json!({"metadata": {"name": "ferrolb", "uid": "map", "resourceVersion": "7"}, "data": {"config.yaml": text}});
    let map: ConfigMap = serde_json::from_value(map).unwrap();
    Knock::ConfigMap(Change::Reset(vec![map]))
}

fn no_config_map() -> Knock {
    Knock::ConfigMap(Change::Reset(Vec::new()))
}

fn pool(namespace: &str, name: &str, addresses: &str, status: &Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}/{name}"), "generation": 3},
        "spec": {"addresses": [addresses]}, "status": status,
    });
    serde_json::from_value(object).unwrap()
}

fn ours(name: &str, addresses: &str) -> DynamicObject {
    pool("ferrolb-system", name, addresses, &json!({}))
}

fn pools(inputs: &[Input]) -> Vec<String> {
    match inputs.last() {
        Some(Input::Config(Seen::Good(config), _)) => {
            config.pools.iter().map(|pool| pool.name.clone()).collect()
        }
        other => panic!("no good configuration but {other:?}"),
    }
}

#[test]
fn waits_for_all_lists_before_it_reads() {
    let mut doors = doors();
    assert!(doors.hear(config_map("pools: []")).is_empty());
    assert!(doors.hear(Knock::Served(vec![POOL])).is_empty());
    let listed = Change::Reset(vec![ours("b", "10.0.0.0/24")]);
    assert_eq!(pools(&doors.hear(Knock::Objects(POOL, listed))), ["b"]);
}

#[test]
fn a_cluster_without_the_resources_reads_the_config_map_alone() {
    let mut doors = doors();
    doors.hear(config_map("pools: [{name: a, addresses: [10.0.0.0/24]}]"));
    assert_eq!(pools(&doors.hear(Knock::Served(Vec::new()))), ["a"]);
}

#[test]
fn a_change_of_status_alone_is_none() {
    let mut doors = doors();
    doors.hear(no_config_map());
    doors.hear(Knock::Served(vec![POOL]));
    let listed = Change::Reset(vec![ours("b", "10.0.0.0/24")]);
    doors.hear(Knock::Objects(POOL, listed));
    let counted = pool(
        "ferrolb-system",
        "b",
        "10.0.0.0/24",
        &json!({"assignedIPv4": 1}),
    );
    assert!(
        doors
            .hear(Knock::Objects(POOL, Change::Apply(counted)))
            .is_empty()
    );
}

#[test]
fn the_last_object_deleted_means_no_pools_while_none_ever_means_nothing() {
    let mut doors = doors();
    doors.hear(no_config_map());
    doors.hear(Knock::Served(vec![POOL]));
    let inputs = doors.hear(Knock::Objects(POOL, Change::Reset(Vec::new())));
    assert!(matches!(inputs[..], [Input::Config(Seen::Absent(None), _)]));
    let object = ours("b", "10.0.0.0/24");
    doors.hear(Knock::Objects(POOL, Change::Apply(object.clone())));
    let none: Vec<String> = Vec::new();
    assert_eq!(
        pools(&doors.hear(Knock::Objects(POOL, Change::Delete(object)))),
        none
    );
}

#[test]
fn overlap_across_the_doors_is_a_fault_told_to_the_object() {
    let mut doors = doors();
    doors.hear(config_map("pools: [{name: a, addresses: [10.0.0.0/24]}]"));
    doors.hear(Knock::Served(vec![POOL]));
    let listed = Change::Reset(vec![ours("b", "10.0.0.128/25"), ours("a", "10.1.0.0/24")]);
    let inputs = doors.hear(Knock::Objects(POOL, listed));
    let Some(Input::Config(Seen::Faulty(faulty), _)) = inputs.last() else {
        panic!("{inputs:?}");
    };
    let faults: Vec<String> = faulty.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "IPAddressPool/a: duplicate name \"a\", already used at pools[0].name",
            "IPAddressPool/b spec.addresses[0]: \"10.0.0.128/25\" overlaps pools[0].addresses[0] (\"10.0.0.0/24\")",
        ]
    );
    let told = inputs
        .iter()
        .filter(|input| matches!(input, Input::Objection(_)));
    assert_eq!(told.count(), 2);
}

#[test]
fn an_object_elsewhere_is_ignored_and_told_so_once() {
    let mut doors = doors();
    doors.hear(config_map("pools: []"));
    doors.hear(Knock::Served(vec![POOL]));
    let stray = pool("default", "b", "10.0.0.0/24", &json!({}));
    let listed = Change::Reset(vec![stray.clone()]);
    let inputs = doors.hear(Knock::Objects(POOL, listed));
    let Input::Objection(objection) = &inputs[0] else {
        panic!("{inputs:?}");
    };
    assert_eq!(
        objection.note,
        "ignored: only objects in ferrolb-system are read"
    );
    assert!(pools(&inputs).is_empty());
    assert!(
        doors
            .hear(Knock::Objects(POOL, Change::Apply(stray)))
            .is_empty()
    );
}

/// What a ConfigMap with this data is told; nothing if it can be used.
fn faults_of(data: &Value) -> String {
    let mut doors = doors();
    let map = json!({"metadata": {"name": "ferrolb", "uid": "map"}, "data": data});
    let map: ConfigMap = serde_json::from_value(map).unwrap();
    doors.hear(Knock::ConfigMap(Change::Reset(vec![map])));
    match &doors.hear(Knock::Served(Vec::new()))[..] {
        [Input::Config(Seen::Faulty(faulty), _)] => faulty.faults.to_string(),
        [Input::Config(Seen::Good(_), _)] => String::new(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_config_map_has_its_text_under_our_key_or_under_the_former_one() {
    let (ours, former) = ("pools: []", "address-pools: []");
    assert_eq!(faults_of(&json!({"config.yaml": ours})), "");
    assert_eq!(faults_of(&json!({"config": former})), "");
    let none = "the ConfigMap has no key config.yaml";
    assert_eq!(faults_of(&Value::Null), none);
    assert_eq!(faults_of(&json!({"other": ours})), none);
    assert_eq!(
        faults_of(&json!({"config.yaml": ours, "config": former})),
        "the ConfigMap has both keys config.yaml and config; one of them must go"
    );
}
