//! Reads label selectors. Pure.

use std::collections::BTreeSet;

use super::unique;
use crate::config::fault::Findings;
use crate::config::node::{LegacyNames, Mapping, Node};
use crate::selector::{Expression, LabelSelector, Labels, Operator};

/// The field names of a selector in MetalLB's legacy text.
const LEGACY_FIELDS: &LegacyNames = &[
    ("match-labels", "matchLabels"),
    ("match-expressions", "matchExpressions"),
];

/// A list of distinct selectors.
pub(super) fn list(node: Option<Node<'_>>, found: &mut Findings) -> Vec<LabelSelector> {
    let items = node.and_then(|node| node.items(found));
    let mut read = Vec::new();
    for item in items.into_iter().flatten() {
        if let Some(selector) = one(&item, found) {
            read.push((item.path, selector));
        }
    }
    unique::reject_duplicates(read, found)
}

/// One selector.
pub(super) fn one(node: &Node<'_>, found: &mut Findings) -> Option<LabelSelector> {
    let mut fields = node.mapping(found)?;
    if node.legacy {
        fields = fields.with_legacy_names(LEGACY_FIELDS);
    }
    fields.reject_unknown_fields(&["matchLabels", "matchExpressions"], found);
    let match_labels = fields.field("matchLabels");
    Some(LabelSelector {
        match_labels: match_labels
            .map(|node| labels(&node, found))
            .unwrap_or_default(),
        match_expressions: expressions(fields.field("matchExpressions"), found),
    })
}

/// Labels with their values.
pub(super) fn labels(node: &Node<'_>, found: &mut Findings) -> Labels {
    let mut read = Labels::new();
    let fields = node.mapping(found);
    for (key, node) in fields.iter().flat_map(Mapping::entries) {
        check_key(key, &node.path, found);
        if let Some(value) = node.text(found) {
            check_value(value, &node.path, found);
            read.insert(key.to_owned(), value.to_owned());
        }
    }
    read
}

fn expressions(node: Option<Node<'_>>, found: &mut Findings) -> BTreeSet<Expression> {
    let items = node.and_then(|node| node.items(found));
    let mut read = Vec::new();
    for item in items.into_iter().flatten() {
        if let Some(expression) = expression(&item, found) {
            read.push((item.path, expression));
        }
    }
    unique::reject_duplicates(read, found).into_iter().collect()
}

fn expression(node: &Node<'_>, found: &mut Findings) -> Option<Expression> {
    let fields = node.mapping(found)?;
    fields.reject_unknown_fields(&["key", "operator", "values"], found);
    let key = fields.required("key", found);
    let key = key.and_then(|node| {
        let text = node.text(found)?;
        check_key(text, &node.path, found);
        Some(text)
    });
    let operator = operator(&fields, found);
    let values = values(&fields, operator, found);
    Some(Expression {
        key: key?.to_owned(),
        operator: operator?,
        values,
    })
}

fn operator(fields: &Mapping<'_>, found: &mut Findings) -> Option<Operator> {
    let node = fields.required("operator", found)?;
    let text = node.text(found)?;
    let operator = match text {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => {
            let problem = format!("must be In, NotIn, Exists or DoesNotExist, not {text:?}");
            found.fault(&node.path, problem);
            return None;
        }
    };
    Some(operator)
}

fn values(
    fields: &Mapping<'_>,
    operator: Option<Operator>,
    found: &mut Findings,
) -> BTreeSet<String> {
    let path = fields.path_of("values");
    let mut read: BTreeSet<String> = BTreeSet::new();
    for (path, text) in fields
        .field("values")
        .map(|node| node.texts(found))
        .unwrap_or_default()
    {
        check_value(text, &path, found);
        if !read.insert(text.to_owned()) {
            found.fault(path, format!("duplicate value {text:?}"));
        }
    }
    match operator {
        Some(Operator::In | Operator::NotIn) if read.is_empty() => {
            found.fault(path, "is required with operator In or NotIn");
        }
        Some(Operator::Exists | Operator::DoesNotExist) if !read.is_empty() => {
            found.fault(path, "must be empty with operator Exists or DoesNotExist");
        }
        _ => {}
    }
    read
}

fn check_key(key: &str, path: &str, found: &mut Findings) {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_fits = prefix.is_none_or(|prefix| !prefix.is_empty() && prefix.len() <= 253);
    if !prefix_fits || name.is_empty() || !is_name(name) {
        found.fault(path, format!("{key:?} is not a valid label key"));
    }
}

fn check_value(value: &str, path: &str, found: &mut Findings) {
    if !is_name(value) {
        found.fault(path, format!("{value:?} is not a valid label value"));
    }
}

/// Up to 63 letters, digits, `-`, `_`, `.`; letters or digits at both ends.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let inside = |byte: u8| plain(byte) || matches!(byte, b'-' | b'_' | b'.');
    let ends = [text.bytes().next(), text.bytes().next_back()];
    text.len() <= 63 && text.bytes().all(inside) && ends.into_iter().flatten().all(plain)
}
