//! Property: any input from the two sources gives a configuration or a list of
//! faults, and a configuration that is written reads back as the same.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};

use crate::config::{Kind, Object, Sources, load, write};
use crate::selector::Labels;

/// Field names, each with a valid value.
type Fields = &'static [(&'static str, &'static str)];

/// The number of fields at the beginning of a list that are usually present.
const USUALLY_PRESENT: usize = 3;

const NATIVE: [(&str, Fields); 6] = [
    ("pools", POOL),
    ("l2Advertisements", ADVERTISEMENT),
    ("bgpAdvertisements", BGP_ADVERTISEMENT),
    ("bgpPeers", PEER),
    ("bfdProfiles", PROFILE),
    ("communities", COMMUNITY),
];

const LEGACY: [(&str, Fields); 3] = [
    ("address-pools", LEGACY_POOL),
    ("peers", LEGACY_PEER),
    ("bfd-profiles", LEGACY_PROFILE),
];

const SELECTORS: &str = r#"[{"matchLabels": {"a": "b"}}, {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]"#;

const POOL: Fields = &[
    ("addresses", r#"["10.0.0.0/28", "fd77::1-fd77::9"]"#),
    ("autoAssign", "false"),
    ("avoidBuggyIPs", "true"),
    (
        "serviceAllocation",
        r#"{"priority": 1, "namespaces": ["n"], "maxPerNamespace": 2}"#,
    ),
];

const ADVERTISEMENT: Fields = &[
    ("ipAddressPools", r#"["a", "b"]"#),
    ("ipAddressPoolSelectors", SELECTORS),
    ("nodeSelectors", SELECTORS),
    ("serviceSelectors", SELECTORS),
    ("interfaces", r#"["eth0", "b*"]"#),
    (
        "preferredNodeSelectors",
        r#"[{"weight": 5, "preference": {}}]"#,
    ),
];

const BGP_ADVERTISEMENT: Fields = &[
    ("ipAddressPools", r#"["a", "b"]"#),
    ("communities", r#"["1:2", "large:1:2:3"]"#),
    ("peers", r#"["a"]"#),
    ("nodeSelectors", SELECTORS),
    ("serviceSelectors", SELECTORS),
    ("aggregationLength", "30"),
    ("localPref", "5"),
];

const PEER: Fields = &[
    ("myASN", "1"),
    ("peerASN", "2"),
    ("peerAddress", r#""10.9.0.1""#),
    ("holdTime", r#""90s""#),
    ("keepaliveTime", r#""1m""#),
    ("nodeSelectors", SELECTORS),
    ("password", r#""w""#),
    ("ebgpMultiHop", "true"),
    ("bfdProfile", r#""a""#),
];

const PROFILE: Fields = &[("receiveInterval", "50"), ("echoMode", "true")];

const COMMUNITY: Fields = &[("communities", r#"[{"name": "a", "value": "large:1:2:3"}]"#)];

const LEGACY_POOL: Fields = &[
    ("addresses", r#"["10.0.0.0/28"]"#),
    ("protocol", r#""bgp""#),
    ("auto-assign", "false"),
    (
        "bgp-advertisements",
        r#"[{"aggregation-length": 30, "localpref": 5}, {}]"#,
    ),
];

const LEGACY_PEER: Fields = &[
    ("my-asn", "1"),
    ("peer-asn", "2"),
    ("peer-address", r#""10.9.0.1""#),
    ("hold-time", r#""9s""#),
    ("node-selectors", r#"[{"match-labels": {"a": "b"}}]"#),
];

const LEGACY_PROFILE: Fields = &[("receive-interval", "50")];

/// Any value, made of words and numbers that have a meaning somewhere.
fn anything() -> impl Strategy<Value = Value> {
    let words = [
        "",
        "a",
        "*",
        "null",
        "10.0.0.1",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-fd77::1",
        "::/0",
        "0s",
        "-1h",
        "layer2",
        "1:2",
        "large:",
        "In",
        "?",
        "implied",
        "e*h",
    ];
    const NUMBERS: &[i64] = &[-1, 0, 1, 2, 33, 129, 65_536, i64::MAX, i64::MIN];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(NUMBERS).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(Vec::from(words)).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let keys = select(vec![
            "name",
            "weight",
            "matchLabels",
            "key",
            "operator",
            "values",
            "a",
        ]);
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((keys, inner), 0..3).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// Each field may be absent, valid or arbitrary; the first few are usually
/// present.
fn entry(fields: Fields) -> impl Strategy<Value = Value> {
    let field = |(index, (name, right)): (usize, &(&'static str, &'static str))| {
        let (name, right) = (*name, serde_json::from_str::<Value>(right).unwrap());
        let right = any::<u8>().prop_map(move |number| match name {
            "addresses" => json!([format!("10.{number}.0.0/28"), format!("fd77:{number}::/64")]),
            "peerAddress" | "peer-address" => json!(format!("10.9.0.{number}")),
            _ => right.clone(),
        });
        let value = prop_oneof![40 => right, 1 => anything()];
        let written = if index < USUALLY_PRESENT { 0.95 } else { 0.3 };
        weighted(written, value).prop_map(move |value| value.map(|value| (name, value)))
    };
    let name = prop_oneof![40 => "[a-d]{1,2}".prop_map(Value::from), 1 => anything()];
    let fields: Vec<_> = fields.iter().enumerate().map(field).collect();
    (name, fields).prop_map(|(name, fields)| {
        let named = [("name", name)].into_iter();
        named.chain(fields.into_iter().flatten()).collect()
    })
}

fn document(sections: &'static [(&'static str, Fields)]) -> impl Strategy<Value = String> {
    let section = |(name, fields): &(&'static str, Fields)| {
        let name = *name;
        weighted(0.6, vec(entry(fields), 0..3)).prop_map(move |items| {
            let mut items = items?;
            if name == "peers" {
                items.iter_mut().for_each(without_name);
            }
            Some((name, items))
        })
    };
    let sections: Vec<_> = sections.iter().map(section).collect();
    sections.prop_map(|sections| {
        let written = sections.into_iter().flatten();
        let fields = written.map(|(name, items)| (name.to_owned(), Value::from(items)));
        Value::Object(fields.collect()).to_string()
    })
}

/// Objects have their name in the metadata, legacy peers have none.
fn without_name(entry: &mut Value) {
    entry.as_object_mut().map(|fields| fields.remove("name"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => document(&NATIVE),
        4 => document(&LEGACY),
        1 => "[ \\-a-z:\\[\\]{}0-9.,/\n\"&*!|>]{0,80}",
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let kinds = (0..Kind::ALL.len()).prop_flat_map(|index| {
        let (_, fields) = NATIVE[index];
        (Just(Kind::ALL[index]), "[e-h]", entry(fields))
    });
    kinds.prop_map(|(kind, name, mut spec)| {
        without_name(&mut spec);
        Object {
            kind,
            name,
            labels: Labels::new(),
            spec,
        }
    })
}

fn check(sources: &Sources) -> TestCaseResult {
    match load(sources) {
        Err(faults) => prop_assert!(!faults.is_empty(), "rejected without a fault"),
        Ok(mut loaded) => {
            // Passwords are not written.
            for peer in &mut loaded.config.bgp.peers {
                peer.password = None;
            }
            let text = Some(write(&loaded.config).unwrap());
            let again = load(&Sources {
                text,
                objects: Vec::new(),
            });
            prop_assert_eq!(again.map(|again| again.config), Ok(loaded.config));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_input_is_a_configuration_or_has_faults(
        text in weighted(0.8, text()),
        objects in vec(object(), 0..4),
    ) {
        check(&Sources { text, objects })?;
    }
}
