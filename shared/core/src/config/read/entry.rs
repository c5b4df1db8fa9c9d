//! What both doors have in common: named fields with a place.

use std::sync::LazyLock;

use serde_json::Value;

use super::{selector, unique};
use crate::config::Object;
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node, Spelling};
use crate::selector::Labels;

/// The `spec` of an object that has none.
pub(super) static NO_FIELDS: LazyLock<Value> =
    LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// A list item of the text, or an object.
pub(super) struct Entry<'a> {
    pub(super) fields: Mapping<'a>,
    pub(super) name: String,
    /// Where the name stands.
    pub(super) named_at: String,
    pub(super) labels: Labels,
    origin: Origin,
}

/// Where an entry comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The text; its name and labels are among its fields.
    Text,
    /// MetalLB's former text; its name may be among its fields.
    Former,
    /// An object, whose fields another version may have defined.
    Object,
}

impl<'a> Entry<'a> {
    /// An item of the text; its name and labels are among its fields.
    pub(super) fn item(node: &Node<'a>, found: &mut Findings) -> Option<Self> {
        let fields = node.mapping(found)?;
        let name = fields.required("name", found);
        let named_at = fields.path_of("name");
        let name = name
            .and_then(|node| node.text(found))
            .unwrap_or(unique::NO_NAME)
            .to_owned();
        if name.trim().is_empty() {
            found.fault(&named_at, "must not be empty");
        }
        let labels = fields.field("labels");
        Some(Self {
            labels: labels
                .map(|node| selector::labels(&node, found))
                .unwrap_or_default(),
            fields,
            name,
            named_at,
            origin: Origin::Text,
        })
    }

    /// An object. The API server has checked its name and labels.
    pub(super) fn object(object: &'a Object, found: &mut Findings) -> Option<Self> {
        let place = format!("{}/{}", object.kind, object.name);
        let spec = Some(&object.spec).filter(|spec| !spec.is_null());
        let node = Node::root(format!("{place} spec"), spec.unwrap_or(&NO_FIELDS));
        Some(Self {
            fields: node.mapping(found)?,
            name: object.name.clone(),
            named_at: place,
            labels: object.labels.clone(),
            origin: Origin::Object,
        })
    }

    /// An item of MetalLB's former text under the name it gets.
    pub(super) fn former(
        node: &Node<'a>,
        spelling: &'static Spelling,
        name: String,
        found: &mut Findings,
    ) -> Option<Self> {
        Some(Self {
            fields: node.mapping(found)?.spelt(spelling),
            name,
            named_at: node.path.clone(),
            labels: Labels::new(),
            origin: Origin::Former,
        })
    }

    /// Unknown fields are faults in the text, where they are misspelt, and
    /// warnings in an object, where a later version may know them.
    pub(super) fn known(&self, known: &[&str], found: &mut Findings) {
        if self.origin == Origin::Object {
            for name in self.fields.unknown(known) {
                found.warn(self.fields.path_of(name), "unknown field; not used");
            }
            return;
        }
        // In the former text the spelling says what is known.
        let all: Vec<&str> = ["name"].iter().chain(known).copied().collect();
        self.fields.refuse_unknown(&all, found);
    }

    /// Like [`Self::known`], for a kind that has labels.
    pub(super) fn known_with_labels(&self, known: &[&str], found: &mut Findings) {
        if self.origin == Origin::Object {
            return self.known(known, found);
        }
        let all: Vec<&str> = known.iter().chain(&["labels"]).copied().collect();
        self.known(&all, found);
    }
}
