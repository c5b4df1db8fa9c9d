//! Claims about the files in `config`: the CRDs match the types, and every sample is a
//! valid configuration without warnings.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "every line here is a test"
)]

mod metrics;

use std::fs;
use std::path::{Path, PathBuf};

use ferrolb_core::config::{Config, IMPLIED_ADVERTISEMENT, Kind, Object, Sources, load};
use ferrolb_core::names::{CONFIG_KEY, LEGACY_CONFIG_KEY};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config")
        .join(name)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The configuration sources in a file of manifests.
fn sources(text: &str) -> Sources {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    let mut sources = Sources::default();
    for document in documents {
        let keys = [CONFIG_KEY, LEGACY_CONFIG_KEY];
        let mut texts = keys
            .iter()
            .filter_map(|&key| document["data"][key].as_str());
        if let Some(text) = texts.next() {
            sources.text = Some(text.to_owned());
        }
        sources.objects.extend(object(&document));
    }
    sources
}

fn object(document: &Value) -> Option<Object> {
    let kind = document["kind"].as_str()?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    let labels = document["metadata"]["labels"].clone();
    Some(Object {
        kind,
        name: document["metadata"]["name"].as_str()?.to_owned(),
        labels: serde_json::from_value(labels).unwrap_or_default(),
        spec: document["spec"].clone(),
    })
}

fn samples() -> Vec<(PathBuf, Sources)> {
    let entries = fs::read_dir(folder("samples")).expect("the folder of samples");
    let paths = entries.map(|entry| entry.expect("a sample").path());
    let with_sources = paths.map(|path| {
        let sources = sources(&read(&path));
        (path, sources)
    });
    with_sources
        .filter(|(_, sources)| *sources != Sources::default())
        .collect()
}

#[test]
fn committed_crds_match_the_types() {
    for (name, text) in ferrolb_api::crds::files().expect("CRDs as YAML") {
        let committed = read(&folder("crd").join(&name));
        assert_eq!(
            committed, text,
            "{name} is out of date; run `cargo xtask crds`"
        );
    }
}

#[test]
fn every_sample_is_valid_and_warns_only_about_bgp() {
    let samples = samples();
    assert!(samples.len() >= 6, "only {} samples", samples.len());
    for (path, sources) in samples {
        let loaded = load(&sources).unwrap_or_else(|faults| panic!("{}: {faults}", path.display()));
        for warning in &loaded.warnings {
            let about_bgp = warning.problem.contains("BGP has no effect yet");
            assert!(about_bgp, "{}: {warning}", path.display());
        }
        assert_ne!(loaded.config.pools, [], "{}", path.display());
    }
}

#[test]
fn both_formats_of_the_tenants_sample_give_the_same_configuration() {
    let read = |name: &str| {
        let sources = sources(&read(&folder("samples").join(name)));
        load(&sources).expect("no fault").config
    };
    let (text, objects): (Config, Config) = (read("tenants.yaml"), read("tenants-objects.yaml"));
    assert_eq!(text, objects);
    assert_ne!(text.l2_advertisements[0].name, IMPLIED_ADVERTISEMENT);
}
