//! What must not be there twice: names, and items of lists.

use std::collections::HashMap;
use std::hash::Hash;

use crate::config::Kind;
use crate::config::fault::Findings;
use crate::config::node::Node;

/// Stands in for a name that is missing or no text, which is a fault already.
pub(super) const NO_NAME: &str = "?";

/// Where each name of each kind was first seen.
#[derive(Default)]
pub(super) struct Names(HashMap<(Kind, String), String>);

impl Names {
    /// Takes a name, or adds a fault that says where it was first.
    pub(super) fn register(&mut self, kind: Kind, name: &str, path: &str, found: &mut Findings) {
        if name.trim().is_empty() || name == NO_NAME {
            return;
        }
        let key = (kind, name.to_owned());
        match self.0.get(&key) {
            Some(first) => {
                let problem = format!("{name:?} is the name of {first} already");
                found.fault(path, problem);
            }
            None => {
                self.0.insert(key, path.to_owned());
            }
        }
    }
}

/// The items without repetitions; each repetition is a fault naming the first.
pub(super) fn reject_duplicates<T: Eq + Hash + Clone>(
    items: Vec<(String, T)>,
    found: &mut Findings,
) -> Vec<T> {
    let mut first: HashMap<T, String> = HashMap::new();
    let mut kept = Vec::new();
    for (path, item) in items {
        match first.get(&item) {
            Some(earlier) => found.fault(path, format!("says the same as {earlier}")),
            None => {
                first.insert(item.clone(), path);
                kept.push(item);
            }
        }
    }
    kept
}

/// A text that is not empty.
pub(super) fn text(node: &Node<'_>, found: &mut Findings) -> Option<String> {
    let text = node.text(found)?;
    if text.trim().is_empty() {
        found.fault(&node.path, "must not be empty");
    }
    Some(text.to_owned())
}

/// A list of texts of which none is empty and none comes twice.
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
    let mut kept: Vec<String> = Vec::new();
    for (path, item) in items {
        if kept.contains(&item) {
            found.fault(path, format!("{item:?} is there twice"));
        } else {
            kept.push(item);
        }
    }
    kept
}
