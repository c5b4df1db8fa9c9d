//! Property: a configuration that is written reads back as the same.

mod bgp;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;

use crate::config::{
    Config, L2Advertisement, Pool, PoolSelection, PreferredNodes, ServiceAllocation, Sources, load,
    write,
};
use crate::range::{Family, IpRange};
use crate::selector::{Expression, LabelSelector, Labels, Operator};

/// Names that objects can have, and names that only the text can have.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "\\PC{1,6}", Just("null".to_owned())]
        .prop_filter("a name", |name| !name.trim().is_empty() && name != "?")
}

/// Label values, among them strings that YAML could parse as another type.
fn value() -> impl Strategy<Value = String> {
    const AMBIGUOUS: &[&str] = &["true", "null", "1", "1e3", "", "0x1", "2026-01-01"];
    prop_oneof![
        "[a-zA-Z0-9]{0,6}",
        prop::sample::select(AMBIGUOUS).prop_map(str::to_owned),
    ]
}

fn key() -> impl Strategy<Value = String> {
    "([a-z]{1,4}\\.[a-z]{2}/)?[a-z0-9]{1,5}"
}

fn labels() -> impl Strategy<Value = Labels> {
    btree_map(key(), value(), 0..3)
}

fn expression() -> impl Strategy<Value = Expression> {
    let listing = prop_oneof![Just(Operator::In), Just(Operator::NotIn)];
    let bare = prop_oneof![Just(Operator::Exists), Just(Operator::DoesNotExist)];
    let values = btree_set(value(), 1..3);
    prop_oneof![
        (key(), listing, values).prop_map(|(key, operator, values)| Expression {
            key,
            operator,
            values
        }),
        (key(), bare).prop_map(|(key, operator)| Expression {
            key,
            operator,
            values: BTreeSet::new()
        }),
    ]
}

fn selector() -> impl Strategy<Value = LabelSelector> {
    (labels(), btree_set(expression(), 0..3)).prop_map(|(match_labels, match_expressions)| {
        LabelSelector {
            match_labels,
            match_expressions,
        }
    })
}

fn selectors() -> impl Strategy<Value = Vec<LabelSelector>> {
    btree_set(selector(), 0..3).prop_map(|set| set.into_iter().collect())
}

fn number() -> impl Strategy<Value = Option<NonZeroU32>> {
    any::<u32>().prop_map(NonZeroU32::new)
}

fn allocation() -> impl Strategy<Value = ServiceAllocation> {
    let names = btree_set(name(), 0..3);
    (
        number(),
        names,
        selectors(),
        selectors(),
        any::<bool>(),
        number(),
    )
        .prop_map(
            |(priority, namespaces, namespace_selectors, service_selectors, fallback, quota)| {
                ServiceAllocation {
                    priority,
                    namespaces,
                    namespace_selectors,
                    service_selectors,
                    fallback,
                    max_per_namespace: quota,
                }
            },
        )
}

/// Ranges without overlap, between distinct bounds.
fn ranges() -> impl Strategy<Value = Vec<IpRange>> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    btree_set((family, any::<u32>()), 2..12).prop_map(|bounds| {
        let bounds: Vec<_> = bounds.into_iter().collect();
        let ends = bounds.chunks_exact(2).filter_map(|pair| {
            let [(family, low), (_, high)] = pair else {
                return None;
            };
            let end = |bits: u32| family.address(u128::from(bits));
            IpRange::new(end(*low)?, end(*high)?).ok()
        });
        ends.collect()
    })
}

fn pools() -> impl Strategy<Value = Vec<Pool>> {
    let rest = (labels(), any::<(bool, bool)>(), option::of(allocation()));
    (ranges(), btree_map(name(), rest, 0..4)).prop_map(|(ranges, rest)| {
        let each = ranges.len().checked_div(rest.len()).unwrap_or_default();
        let shares = ranges.chunks(each.max(1));
        let pool = |((name, rest), ranges): ((String, _), &[IpRange])| {
            let (labels, (auto_assign, avoid_buggy_ips), service_allocation) = rest;
            Pool {
                name,
                labels,
                ranges: ranges.to_vec(),
                auto_assign,
                avoid_buggy_ips,
                service_allocation,
            }
        };
        rest.into_iter().zip(shares).map(pool).collect()
    })
}

/// Each with a different weight, so that there are no duplicates.
fn preferred() -> impl Strategy<Value = Vec<PreferredNodes>> {
    btree_map(1_u8..=100, selector(), 0..3).prop_map(|all| {
        let one = |(weight, preference)| PreferredNodes { weight, preference };
        all.into_iter().map(one).collect()
    })
}

fn selection() -> impl Strategy<Value = PoolSelection> {
    (btree_set(name(), 0..3), selectors())
        .prop_map(|(names, selectors)| PoolSelection { names, selectors })
}

fn advertisement() -> impl Strategy<Value = L2Advertisement> {
    let interfaces = btree_set("[a-z0-9.]{1,6}\\*?", 0..3);
    (
        selection(),
        selectors(),
        interfaces,
        selectors(),
        preferred(),
    )
        .prop_map(
            |(pools, node_selectors, interfaces, service_selectors, preferred_nodes)| {
                L2Advertisement {
                    name: String::new(),
                    pools,
                    node_selectors,
                    interfaces,
                    service_selectors,
                    preferred_nodes,
                }
            },
        )
}

fn config() -> impl Strategy<Value = Config> {
    let advertisements = btree_map(name(), advertisement(), 0..3).prop_map(|named| {
        let with_name = |(name, rest)| L2Advertisement { name, ..rest };
        named.into_iter().map(with_name).collect()
    });
    (pools(), advertisements, bgp::bgp()).prop_map(|(pools, l2_advertisements, bgp)| Config {
        pools,
        l2_advertisements,
        bgp,
    })
}

fn read(text: String) -> Config {
    let sources = Sources {
        text: Some(text),
        objects: Vec::new(),
    };
    load(&sources).unwrap().config
}

#[test]
fn defaults_are_written_out() {
    let text = "address-pools: [{name: lan, protocol: layer2, addresses: [10.0.0.5/24]}]";
    for text in [text, "pools: [{name: lan, addresses: [10.0.0.0/24]}]"] {
        let config = Config::from_yaml(text).unwrap();
        let written = write(&config).unwrap();
        assert!(
            written.starts_with("# The active configuration"),
            "{written}"
        );
        assert!(written.contains("\"autoAssign\": true"), "{written}");
        assert_eq!(read(written), config);
    }
}

proptest! {
    #[test]
    fn a_written_configuration_reads_back_as_the_same(config in config()) {
        let written = write(&config).unwrap();
        prop_assert_eq!(read(written), config);
    }
}
