//! Any input from the two sources gives a configuration or a list of faults, and a
//! configuration that is written reads back as the same.
//!
//! The input: the text of the ConfigMap, then objects, all separated by a zero
//! byte. The first character of an object selects the kind, the second is the name,
//! the rest is the spec as JSON.

#![no_main]

use ferrolb_core::config::{Config, Kind, Object, Sources, load, write};
use ferrolb_core::selector::Labels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let mut parts = input.split('\0');
    let text = parts.next().filter(|text| !text.is_empty());
    let sources = Sources {
        text: text.map(str::to_owned),
        objects: parts.filter_map(object).collect(),
    };
    match load(&sources) {
        Err(faults) => assert!(!faults.is_empty(), "rejected without a fault"),
        Ok(loaded) => check_round_trip(loaded.config),
    }
});

fn object(text: &str) -> Option<Object> {
    let mut letters = text.chars();
    let kind = letters.next()?.to_digit(10)?;
    let kind = Kind::ALL.get(usize::try_from(kind).ok()?)?;
    let name = letters.next()?.to_string();
    Some(Object {
        kind: *kind,
        name,
        labels: Labels::new(),
        spec: serde_json::from_str(letters.as_str()).ok()?,
    })
}

fn check_round_trip(mut config: Config) {
    // Passwords are not written.
    for peer in &mut config.bgp.peers {
        peer.password = None;
    }
    let text = write(&config).expect("a configuration can be written");
    let again = Sources {
        text: Some(text),
        objects: Vec::new(),
    };
    match load(&again) {
        Ok(again) => assert_eq!(again.config, config),
        Err(faults) => panic!("a written configuration is rejected: {faults}"),
    }
}
