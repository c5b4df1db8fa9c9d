//! Reads a pool. Pure.

use std::num::NonZeroU32;

use super::entry::Entry;
use super::{selector, unique};
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node};
use crate::config::overlap::RangeLocation;
use crate::config::{Pool, ServiceAllocation};
use crate::range::IpRange;

const FIELDS: [&str; 4] = [
    "addresses",
    "autoAssign",
    "avoidBuggyIPs",
    "serviceAllocation",
];

const ALLOCATION: [&str; 6] = [
    "priority",
    "namespaces",
    "namespaceSelectors",
    "serviceSelectors",
    "fallback",
    "maxPerNamespace",
];

/// Reads one pool. A default stands in for each faulty value; it is never used,
/// since a configuration with a fault is rejected.
pub(super) fn read(
    entry: &Entry<'_>,
    locations: &mut Vec<RangeLocation>,
    found: &mut Findings,
) -> Pool {
    entry.check_fields_and_labels(&FIELDS, found);
    let fields = &entry.fields;
    Pool {
        name: entry.name.clone(),
        labels: entry.labels.clone(),
        ranges: ranges(fields, locations, found),
        auto_assign: flag(fields, "autoAssign", true, found),
        avoid_buggy_ips: flag(fields, "avoidBuggyIPs", false, found),
        service_allocation: fields
            .field("serviceAllocation")
            .and_then(|node| allocation(&node, found)),
    }
}

/// A field that is true or false.
pub(super) fn flag(fields: &Mapping<'_>, name: &str, default: bool, found: &mut Findings) -> bool {
    let node = fields.field(name);
    node.and_then(|node| node.boolean(found)).unwrap_or(default)
}

/// The field `addresses`.
pub(super) fn ranges(
    fields: &Mapping<'_>,
    locations: &mut Vec<RangeLocation>,
    found: &mut Findings,
) -> Vec<IpRange> {
    let Some(node) = fields.required("addresses", found) else {
        return Vec::new();
    };
    let items = node.items(found);
    if items.as_ref().is_some_and(Vec::is_empty) {
        found.fault(&node.path, "must not be empty");
    }
    let items = items.into_iter().flatten();
    items
        .filter_map(|item| range(item, locations, found))
        .collect()
}

fn range(
    node: Node<'_>,
    locations: &mut Vec<RangeLocation>,
    found: &mut Findings,
) -> Option<IpRange> {
    let text = node.text(found)?;
    let range = text
        .parse()
        .map_err(|error| found.fault(&node.path, format!("{error}")))
        .ok()?;
    locations.push(RangeLocation {
        path: node.path,
        text: text.to_owned(),
        range,
    });
    Some(range)
}

fn allocation(node: &Node<'_>, found: &mut Findings) -> Option<ServiceAllocation> {
    let fields = node.mapping(found)?;
    fields.reject_unknown_fields(&ALLOCATION, found);
    let namespaces = unique::texts(fields.field("namespaces"), found);
    Some(ServiceAllocation {
        priority: priority(&fields, found),
        namespaces: namespaces.into_iter().collect(),
        namespace_selectors: selector::list(fields.field("namespaceSelectors"), found),
        service_selectors: selector::list(fields.field("serviceSelectors"), found),
        fallback: flag(&fields, "fallback", true, found),
        max_per_namespace: quota(&fields, found),
    })
}

fn priority(fields: &Mapping<'_>, found: &mut Findings) -> Option<NonZeroU32> {
    let node = fields.field("priority")?;
    let number = node.number(i64::MIN, u32::MAX.into(), found)?;
    if number < 0 {
        found.warn(
            &node.path,
            format!("{number} is treated as 0, the lowest priority"),
        );
    }
    u32::try_from(number).ok().and_then(NonZeroU32::new)
}

fn quota(fields: &Mapping<'_>, found: &mut Findings) -> Option<NonZeroU32> {
    let node = fields.field("maxPerNamespace")?;
    let number = node.number(1, u32::MAX.into(), found)?;
    u32::try_from(number).ok().and_then(NonZeroU32::new)
}
