//! From YAML text to a configuration: goes on after each fault, so that the
//! administrator sees all of them at once.

use std::collections::HashMap;

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error as YamlError};

use super::node::{Mapping, Node};
use super::overlap::{self, Place};
use super::{Config, Faults, Pool};
use crate::range::IpRange;

/// Reads a whole document.
pub(super) fn config(text: &str) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let pools = document(text, &mut faults).map(|value| root(&value, &mut faults));
    match pools {
        Some(pools) if faults.is_empty() => Ok(Config { pools }),
        _ => Err(faults),
    }
}

/// The document as a tree. A duplicate key is a fault, but reading goes on
/// with the first of the two.
fn document(text: &str, faults: &mut Faults) -> Option<Value> {
    let error = match parse(text, DuplicateKeyPolicy::Error) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    faults.add("", yaml_problem(&error));
    parse(text, DuplicateKeyPolicy::FirstWins).ok()
}

fn parse(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Value, YamlError> {
    let options = serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        with_snippet: false,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn yaml_problem(error: &YamlError) -> String {
    match error.without_snippet() {
        YamlError::DuplicateMappingKey { key, location } => {
            let key = key.as_deref().unwrap_or_default();
            format!("line {}: key {key:?} is there twice", location.line())
        }
        other => format!("is not readable as YAML: {other}"),
    }
}

fn root(value: &Value, faults: &mut Faults) -> Vec<Pool> {
    let Some(root) = Node::root(value).mapping(faults) else {
        return Vec::new();
    };
    root.refuse_unknown(&["pools"], faults);
    let items = root
        .required("pools", faults)
        .and_then(|pools| pools.items(faults));
    let mut reader = Reader::default();
    let pools = items
        .into_iter()
        .flatten()
        .map(|item| reader.pool(&item, faults))
        .collect();
    overlap::refuse(reader.places, faults);
    pools
}

/// What has been read so far and must not come again.
#[derive(Default)]
struct Reader {
    /// Where each pool name was first seen.
    names: HashMap<String, String>,
    /// Each range and where it stands.
    places: Vec<Place>,
}

impl Reader {
    /// Reads one pool; where a value is at fault a default stands in for it,
    /// which is never used because there is a fault.
    fn pool(&mut self, node: &Node<'_>, faults: &mut Faults) -> Pool {
        let Some(fields) = node.mapping(faults) else {
            return pool_without_addresses();
        };
        fields.refuse_unknown(
            &["name", "addresses", "autoAssign", "avoidBuggyIPs"],
            faults,
        );
        Pool {
            name: self.name(&fields, faults),
            ranges: self.ranges(&fields, faults),
            auto_assign: flag(&fields, "autoAssign", true, faults),
            avoid_buggy_ips: flag(&fields, "avoidBuggyIPs", false, faults),
        }
    }

    fn name(&mut self, fields: &Mapping<'_>, faults: &mut Faults) -> String {
        let Some(node) = fields.required("name", faults) else {
            return String::new();
        };
        let name = node.text(faults).unwrap_or_default();
        if name.trim().is_empty() {
            faults.add(&node.path, "must not be empty");
        } else if let Some(first) = self.names.insert(name.to_owned(), node.path.clone()) {
            faults.add(
                &node.path,
                format!("{name:?} is the name of {first} already"),
            );
            self.names.insert(name.to_owned(), first);
        }
        name.to_owned()
    }

    fn ranges(&mut self, fields: &Mapping<'_>, faults: &mut Faults) -> Vec<IpRange> {
        let Some(node) = fields.required("addresses", faults) else {
            return Vec::new();
        };
        let items = node.items(faults);
        if items.as_ref().is_some_and(Vec::is_empty) {
            faults.add(&node.path, "must not be empty");
        }
        let items = items.into_iter().flatten();
        items.filter_map(|item| self.range(item, faults)).collect()
    }

    fn range(&mut self, node: Node<'_>, faults: &mut Faults) -> Option<IpRange> {
        let text = node.text(faults)?;
        let range = text
            .parse()
            .map_err(|error| faults.add(&node.path, format!("{error}")))
            .ok()?;
        self.places.push(Place {
            path: node.path,
            text: text.to_owned(),
            range,
        });
        Some(range)
    }
}

fn flag(fields: &Mapping<'_>, name: &str, default: bool, faults: &mut Faults) -> bool {
    fields
        .field(name)
        .and_then(|node| node.boolean(faults))
        .unwrap_or(default)
}

fn pool_without_addresses() -> Pool {
    Pool {
        name: String::new(),
        ranges: Vec::new(),
        auto_assign: true,
        avoid_buggy_ips: false,
    }
}
