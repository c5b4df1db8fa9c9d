//! What follows from what the sources report.

use std::collections::BTreeMap;

use ferrolb_core::change::Change;
use ferrolb_core::config::{Kind, Object};
use ferrolb_core::key::ObjectKey;
use serde_json::json;

use super::{AcceptedWrite, ConfigMapView, ConfigObject, ConfigOutput, ConfigSources, SourceEvent};
use crate::reconcile::ConfigState;

const POOL: Kind = Kind::IpAddressPool;

mod accepted;
mod cluster_ranges;

/// Of one that leads, with nothing accepted so far.
fn sources() -> ConfigSources {
    sources_after(None)
}

/// Of one that leads, after another that left this.
fn sources_after(accepted: Option<&AcceptedWrite>) -> ConfigSources {
    let mut sources = ConfigSources::new("ferrolb-system".to_owned(), true);
    sources.apply(stored(accepted, "1"));
    sources
}

/// The ConfigMap as it is once this was written.
fn stored(write: Option<&AcceptedWrite>, version: &str) -> SourceEvent {
    SourceEvent::Accepted(write.map(|write| ConfigMapView {
        made_from: Some(write.made_from.clone()),
        ..map("accepted", version, &[("config.yaml", &write.text)])
    }))
}

fn map(uid: &str, version: &str, data: &[(&str, &str)]) -> ConfigMapView {
    let data = data.iter();
    ConfigMapView {
        uid: uid.to_owned(),
        version: Some(version.to_owned()),
        made_from: None,
        data: data
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

fn config_map(text: &str) -> SourceEvent {
    SourceEvent::ConfigMap(Some(map("map", "7", &[("config.yaml", text)])))
}

fn no_config_map() -> SourceEvent {
    SourceEvent::ConfigMap(None)
}

fn pool(namespace: &str, name: &str, addresses: &str) -> ConfigObject {
    ConfigObject {
        namespace: namespace.to_owned(),
        uid: format!("{namespace}/{name}"),
        generation: 3,
        object: Object {
            kind: POOL,
            name: name.to_owned(),
            labels: BTreeMap::new(),
            spec: json!({"addresses": [addresses]}),
        },
    }
}

fn ours(name: &str, addresses: &str) -> ConfigObject {
    pool("ferrolb-system", name, addresses)
}

fn pools(outputs: &[ConfigOutput]) -> Vec<String> {
    match outputs.last() {
        Some(ConfigOutput::State(ConfigState::Valid(config))) => {
            config.pools.iter().map(|pool| pool.name.clone()).collect()
        }
        other => panic!("no good configuration but {other:?}"),
    }
}

#[test]
fn waits_for_all_lists_before_it_reads() {
    let mut sources = sources();
    assert!(sources.apply(config_map("pools: []")).is_empty());
    assert!(sources.apply(SourceEvent::Served(vec![POOL])).is_empty());
    let listed = Change::Reset(vec![ours("b", "10.0.0.0/24")]);
    assert_eq!(
        pools(&sources.apply(SourceEvent::Objects(POOL, listed))),
        ["b"]
    );
}

#[test]
fn a_cluster_without_the_resources_reads_the_config_map_alone() {
    let mut sources = sources();
    sources.apply(config_map("pools: [{name: a, addresses: [10.0.0.0/24]}]"));
    assert_eq!(
        pools(&sources.apply(SourceEvent::Served(Vec::new()))),
        ["a"]
    );
}

#[test]
fn a_change_of_status_alone_is_none() {
    let mut sources = sources();
    sources.apply(no_config_map());
    sources.apply(SourceEvent::Served(vec![POOL]));
    let listed = || Change::Reset(vec![ours("b", "10.0.0.0/24")]);
    sources.apply(SourceEvent::Objects(POOL, listed()));
    let again = Change::Apply(ours("b", "10.0.0.0/24"));
    assert!(sources.apply(SourceEvent::Objects(POOL, again)).is_empty());
    assert!(
        sources
            .apply(SourceEvent::Objects(POOL, listed()))
            .is_empty()
    );
}

#[test]
fn the_last_object_deleted_means_no_pools_while_none_ever_means_nothing() {
    let mut sources = sources();
    sources.apply(no_config_map());
    sources.apply(SourceEvent::Served(vec![POOL]));
    let outputs = sources.apply(SourceEvent::Objects(POOL, Change::Reset(Vec::new())));
    assert!(matches!(
        outputs[..],
        [ConfigOutput::State(ConfigState::Absent(None))]
    ));
    let object = ours("b", "10.0.0.0/24");
    sources.apply(SourceEvent::Objects(POOL, Change::Apply(object)));
    let key = ObjectKey {
        namespace: "ferrolb-system".to_owned(),
        name: "b".to_owned(),
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(
        pools(&sources.apply(SourceEvent::Objects(POOL, Change::Delete(key)))),
        none
    );
}

#[test]
fn overlap_across_the_doors_is_a_fault_told_to_the_object() {
    let mut sources = sources();
    sources.apply(config_map("pools: [{name: a, addresses: [10.0.0.0/24]}]"));
    sources.apply(SourceEvent::Served(vec![POOL]));
    let listed = Change::Reset(vec![ours("b", "10.0.0.128/25"), ours("a", "10.1.0.0/24")]);
    let outputs = sources.apply(SourceEvent::Objects(POOL, listed));
    let Some(ConfigOutput::State(ConfigState::Invalid(faulty))) = outputs.last() else {
        panic!("{outputs:?}");
    };
    let faults: Vec<String> = faulty.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "IPAddressPool/a: duplicate name \"a\", already used at pools[0].name",
            "IPAddressPool/b spec.addresses[0]: \"10.0.0.128/25\" overlaps pools[0].addresses[0] (\"10.0.0.0/24\")",
        ]
    );
    let told = outputs
        .iter()
        .filter(|output| matches!(output, ConfigOutput::Notice(_)));
    assert_eq!(told.count(), 2);
}

#[test]
fn an_object_elsewhere_is_ignored_and_told_so_once() {
    let mut sources = sources();
    sources.apply(config_map("pools: []"));
    sources.apply(SourceEvent::Served(vec![POOL]));
    let stray = pool("default", "b", "10.0.0.0/24");
    let listed = Change::Reset(vec![stray.clone()]);
    let outputs = sources.apply(SourceEvent::Objects(POOL, listed));
    let ConfigOutput::Notice(notice) = &outputs[0] else {
        panic!("{outputs:?}");
    };
    assert_eq!(
        notice.note,
        "Ignored: only objects in namespace ferrolb-system are read"
    );
    assert!(pools(&outputs).is_empty());
    assert!(
        sources
            .apply(SourceEvent::Objects(POOL, Change::Apply(stray)))
            .is_empty()
    );
}

/// The faults of a ConfigMap with this data; none if it can be used.
fn faults_of(data: &[(&str, &str)]) -> String {
    let mut sources = sources();
    sources.apply(SourceEvent::ConfigMap(Some(map("map", "7", data))));
    match &sources.apply(SourceEvent::Served(Vec::new()))[..] {
        [ConfigOutput::State(ConfigState::Invalid(faulty))] => faulty.faults.to_string(),
        [ConfigOutput::State(ConfigState::Valid(_))] => String::new(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_config_map_has_its_text_under_our_key_or_under_the_legacy_one() {
    let (ours, legacy) = ("pools: []", "address-pools: []");
    assert_eq!(faults_of(&[("config.yaml", ours)]), "");
    assert_eq!(faults_of(&[("config", legacy)]), "");
    let none = "the ConfigMap has no key config.yaml";
    assert_eq!(faults_of(&[]), none);
    assert_eq!(faults_of(&[("other", ours)]), none);
    assert_eq!(
        faults_of(&[("config.yaml", ours), ("config", legacy)]),
        "the ConfigMap has both keys config.yaml and config; remove one of them"
    );
}
