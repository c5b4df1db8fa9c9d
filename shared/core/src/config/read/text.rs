//! The text of the ConfigMap as a tree, and which of the two forms it has.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error as YamlError};

use crate::config::Kind;
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node};

/// The fields of the native form and what their items are.
pub(super) const SECTIONS: [(&str, Kind); 6] = [
    ("pools", Kind::IpAddressPool),
    ("l2Advertisements", Kind::L2Advertisement),
    ("bgpAdvertisements", Kind::BgpAdvertisement),
    ("bgpPeers", Kind::BgpPeer),
    ("bfdProfiles", Kind::BfdProfile),
    ("communities", Kind::Community),
];

/// A text by its form.
pub(super) enum Document<'a> {
    /// Ours.
    Native(Mapping<'a>),
    /// MetalLB's before it had resources.
    Legacy(Mapping<'a>),
}

/// The document as a tree. A duplicate key is a fault, but reading goes on
/// with the first of the two.
pub(super) fn tree(text: &str, found: &mut Findings) -> Option<Value> {
    let error = match parse(text, DuplicateKeyPolicy::Error) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    found.fault("", yaml_problem(&error));
    parse(text, DuplicateKeyPolicy::FirstWins).ok()
}

/// The form of a document: `address-pools` or `peers` and no `pools` is the
/// former form.
pub(super) fn document<'a>(tree: &'a Value, found: &mut Findings) -> Option<Document<'a>> {
    let root = Node::root("", tree).mapping(found)?;
    let legacy = root.has("address-pools") || root.has("peers");
    if legacy && !root.has("pools") {
        return Some(Document::Legacy(root));
    }
    root.reject_unknown_fields(&SECTIONS.map(|(field, _)| field), found);
    root.required("pools", found);
    Some(Document::Native(root))
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
