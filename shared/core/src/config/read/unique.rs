//! Rejects duplicates: names, and items of lists. Pure.

use std::collections::HashMap;
use std::hash::Hash;

use crate::config::Kind;
use crate::config::fault::Findings;
use crate::config::node::Node;

/// Placeholder for a name that is missing or not a string, which is a fault
/// already.
pub(super) const NO_NAME: &str = "?";

/// The path of the first use of each name of each kind.
#[derive(Default)]
pub(super) struct Names(HashMap<(Kind, String), String>);

impl Names {
    /// Registers a name; adds a fault with the path of its first use if taken.
    pub(super) fn register(&mut self, kind: Kind, name: &str, path: &str, found: &mut Findings) {
        if name.trim().is_empty() || name == NO_NAME {
            return;
        }
        let key = (kind, name.to_owned());
        match self.0.get(&key) {
            Some(first) => {
                let problem = format!("duplicate name {name:?}, already used at {first}");
                found.fault(path, problem);
            }
            None => {
                self.0.insert(key, path.to_owned());
            }
        }
    }
}

/// The items without duplicates; each duplicate is a fault that names the first.
pub(super) fn reject_duplicates<T: Eq + Hash + Clone>(
    items: Vec<(String, T)>,
    found: &mut Findings,
) -> Vec<T> {
    let mut first: HashMap<T, String> = HashMap::new();
    let mut distinct = Vec::new();
    for (path, item) in items {
        match first.get(&item) {
            Some(earlier) => found.fault(path, format!("duplicates {earlier}")),
            None => {
                first.insert(item.clone(), path);
                distinct.push(item);
            }
        }
    }
    distinct
}

/// A non-empty string.
pub(super) fn text(node: &Node<'_>, found: &mut Findings) -> Option<String> {
    let text = node.text(found)?;
    if text.trim().is_empty() {
        found.fault(&node.path, "must not be empty");
    }
    Some(text.to_owned())
}

/// A list of distinct, non-empty strings.
pub(super) fn texts(node: Option<Node<'_>>, found: &mut Findings) -> Vec<String> {
    let Some(node) = node else {
        return Vec::new();
    };
    let mut items = Vec::new();
    for (path, text) in node.texts(found) {
        if text.trim().is_empty() {
            found.fault(path, "must not be empty");
        } else {
            items.push((path, text.to_owned()));
        }
    }
    reject_duplicate_texts(items, found)
}

fn reject_duplicate_texts(items: Vec<(String, String)>, found: &mut Findings) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for (path, item) in items {
        if distinct.contains(&item) {
            found.fault(path, format!("duplicate value {item:?}"));
        } else {
            distinct.push(item);
        }
    }
    distinct
}
