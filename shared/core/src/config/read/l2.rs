//! Reads a layer 2 advertisement. Pure.

use std::collections::BTreeSet;

use super::entry::Entry;
use super::selection::{self, PoolReferences};
use super::{selector, unique};
use crate::config::fault::Findings;
use crate::config::node::Node;
use crate::config::{L2Advertisement, PreferredNodes};

const FIELDS: [&str; 6] = [
    "ipAddressPools",
    "ipAddressPoolSelectors",
    "nodeSelectors",
    "interfaces",
    "serviceSelectors",
    "preferredNodeSelectors",
];

/// Reads one advertisement and adds the pools it names to `references`.
pub(super) fn read(
    entry: &Entry<'_>,
    references: &mut PoolReferences,
    found: &mut Findings,
) -> L2Advertisement {
    entry.check_fields(&FIELDS, found);
    let fields = &entry.fields;
    let selectors = |name: &str, found: &mut Findings| selector::list(fields.field(name), found);
    L2Advertisement {
        name: entry.name.clone(),
        pools: selection::read(entry, references, found),
        node_selectors: selectors("nodeSelectors", found),
        interfaces: interfaces(fields.field("interfaces"), found),
        service_selectors: selectors("serviceSelectors", found),
        preferred_nodes: preferred(fields.field("preferredNodeSelectors"), found),
    }
}

/// Names, exact or with a `*` at the end as a wildcard. Duplicates are allowed,
/// as in MetalLB.
fn interfaces(node: Option<Node<'_>>, found: &mut Findings) -> BTreeSet<String> {
    let texts = node.map(|node| node.texts(found)).unwrap_or_default();
    let mut read = BTreeSet::new();
    for (path, text) in texts {
        let exact = text.strip_suffix('*').unwrap_or(text);
        if text.trim().is_empty() {
            found.fault(path, "must not be empty");
        } else if exact.contains('*') {
            found.fault(
                path,
                format!("{text:?} is not valid; * is allowed only at the end"),
            );
        }
        read.insert(text.to_owned());
    }
    read
}

fn preferred(node: Option<Node<'_>>, found: &mut Findings) -> Vec<PreferredNodes> {
    let items = node.and_then(|node| node.items(found));
    let mut read = Vec::new();
    for item in items.into_iter().flatten() {
        if let Some(preferred) = one(&item, found) {
            read.push((item.path, preferred));
        }
    }
    unique::reject_duplicates(read, found)
}

fn one(node: &Node<'_>, found: &mut Findings) -> Option<PreferredNodes> {
    let fields = node.mapping(found)?;
    fields.reject_unknown_fields(&["weight", "preference"], found);
    let weight = fields.required("weight", found);
    let weight = weight.and_then(|node| node.number(1, 100, found));
    let preference = fields.required("preference", found);
    let preference = preference.and_then(|node| selector::one(&node, found));
    Some(PreferredNodes {
        weight: u8::try_from(weight?).ok()?,
        preference: preference?,
    })
}
