//! An entry of the configuration, from either source: its name, fields and
//! paths. Pure.

use std::sync::LazyLock;

use serde_json::Value;

use super::{selector, unique};
use crate::config::Object;
use crate::config::fault::Findings;
use crate::config::node::{LegacyNames, Mapping, Node};
use crate::selector::Labels;

/// The `spec` of an object that has none.
pub(super) static NO_FIELDS: LazyLock<Value> =
    LazyLock::new(|| Value::Object(serde_json::Map::new()));

/// A list item of the ConfigMap text, or an object.
pub(super) struct Entry<'a> {
    pub(super) fields: Mapping<'a>,
    pub(super) name: String,
    /// The path of the name.
    pub(super) name_path: String,
    pub(super) labels: Labels,
    origin: Origin,
}

/// The source of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The ConfigMap text; name and labels are among the fields.
    Text,
    /// MetalLB's legacy text; the name may be among the fields.
    Legacy,
    /// An object, whose fields another version may define.
    Object,
}

impl<'a> Entry<'a> {
    /// An item of the ConfigMap text; name and labels are among its fields.
    pub(super) fn item(node: &Node<'a>, found: &mut Findings) -> Option<Self> {
        let fields = node.mapping(found)?;
        let name = fields.required("name", found);
        let name_path = fields.path_of("name");
        let name = name
            .and_then(|node| node.text(found))
            .unwrap_or(unique::NO_NAME)
            .to_owned();
        if name.trim().is_empty() {
            found.fault(&name_path, "must not be empty");
        }
        let labels = fields.field("labels");
        Some(Self {
            labels: labels
                .map(|node| selector::labels(&node, found))
                .unwrap_or_default(),
            fields,
            name,
            name_path,
            origin: Origin::Text,
        })
    }

    /// An object. The API server has validated its name and labels.
    pub(super) fn object(object: &'a Object, found: &mut Findings) -> Option<Self> {
        let place = format!("{}/{}", object.kind, object.name);
        let spec = Some(&object.spec).filter(|spec| !spec.is_null());
        let node = Node::root(format!("{place} spec"), spec.unwrap_or(&NO_FIELDS));
        Some(Self {
            fields: node.mapping(found)?,
            name: object.name.clone(),
            name_path: place,
            labels: object.labels.clone(),
            origin: Origin::Object,
        })
    }

    /// An item of MetalLB's legacy text under the name assigned to it.
    pub(super) fn legacy(
        node: &Node<'a>,
        legacy_names: &'static LegacyNames,
        name: String,
        found: &mut Findings,
    ) -> Option<Self> {
        Some(Self {
            fields: node.mapping(found)?.with_legacy_names(legacy_names),
            name,
            name_path: node.path.clone(),
            labels: Labels::new(),
            origin: Origin::Legacy,
        })
    }

    /// Unknown fields are faults in the text, where they are misspelt, and
    /// warnings in an object, where a later version may define them.
    pub(super) fn check_fields(&self, known: &[&str], found: &mut Findings) {
        if self.origin == Origin::Object {
            for name in self.fields.unknown(known) {
                found.warn(self.fields.path_of(name), "unknown field; ignored");
            }
            return;
        }
        // For the legacy text the table of legacy names lists the allowed fields.
        let all: Vec<&str> = ["name"].iter().chain(known).copied().collect();
        self.fields.reject_unknown_fields(&all, found);
    }

    /// Like [`Self::known`], for a kind that has labels.
    pub(super) fn check_fields_and_labels(&self, known: &[&str], found: &mut Findings) {
        if self.origin == Origin::Object {
            return self.check_fields(known, found);
        }
        let all: Vec<&str> = known.iter().chain(&["labels"]).copied().collect();
        self.check_fields(&all, found);
    }
}
