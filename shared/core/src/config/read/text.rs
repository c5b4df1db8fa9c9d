//! Parses the text of the ConfigMap and recognises which of the two formats it
//! has. Pure.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error as YamlError};

use crate::config::Kind;
use crate::config::fault::Findings;
use crate::config::node::{Mapping, Node};

/// The fields of the native format and the kinds of their items.
pub(super) const SECTIONS: [(&str, Kind); 6] = [
    ("pools", Kind::IpAddressPool),
    ("l2Advertisements", Kind::L2Advertisement),
    ("bgpAdvertisements", Kind::BgpAdvertisement),
    ("bgpPeers", Kind::BgpPeer),
    ("bfdProfiles", Kind::BfdProfile),
    ("communities", Kind::Community),
];

/// A document by its format.
pub(super) enum Document<'a> {
    /// FerroLB's own.
    Native(Mapping<'a>),
    /// MetalLB's, from before it had custom resources.
    Legacy(Mapping<'a>),
}

/// Parses the document. A duplicate key is a fault; reading continues with the
/// first value.
pub(super) fn tree(text: &str, found: &mut Findings) -> Option<Value> {
    let error = match parse(text, DuplicateKeyPolicy::Error) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    found.fault("", yaml_problem(&error));
    parse(text, DuplicateKeyPolicy::FirstWins).ok()
}

/// The format of a document: `address-pools` or `peers` without `pools` is the
/// legacy format.
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
            format!("line {}: duplicate key {key:?}", location.line())
        }
        other => format!("invalid YAML: {other}"),
    }
}
