//! Reads BGP community names, and the communities of an advertisement. Pure.

use std::collections::BTreeSet;

use super::super::entry::Entry;
use super::super::unique;
use crate::config::fault::Findings;
use crate::config::node::Node;
use crate::config::{Community, CommunityAlias};

/// Reads one Community and adds each name to `aliases`.
pub(super) fn read(
    entry: &Entry<'_>,
    aliases: &mut Vec<(String, String)>,
    found: &mut Findings,
) -> Community {
    entry.check_fields(&["communities"], found);
    let items = entry.fields.field("communities");
    let items = items.and_then(|node| node.items(found)).unwrap_or_default();
    let mut communities = Vec::new();
    for item in items {
        if let Some((alias, path)) = alias(&item, found) {
            aliases.push((path, alias.name.clone()));
            communities.push(alias);
        }
    }
    Community {
        name: entry.name.clone(),
        communities,
    }
}

/// One name with its value, and the path of the name.
fn alias(node: &Node<'_>, found: &mut Findings) -> Option<(CommunityAlias, String)> {
    let fields = node.mapping(found)?;
    fields.reject_unknown_fields(&["name", "value"], found);
    let name = fields.required("name", found);
    let name = name.and_then(|node| unique::text(&node, found));
    let value = fields.required("value", found);
    let value = value.and_then(|node| self::value(&node, found));
    let alias = CommunityAlias {
        name: name?,
        value: value?,
    };
    Some((alias, fields.path_of("name")))
}

/// The value of a community.
pub(crate) fn value(node: &Node<'_>, found: &mut Findings) -> Option<String> {
    let text = node.text(found)?;
    if let Err(problem) = check(text) {
        found.fault(&node.path, problem);
    }
    Some(text.to_owned())
}

/// The communities of an advertisement: values, and names, which are resolved
/// when everything is read.
pub(super) fn used(node: Option<Node<'_>>, found: &mut Findings) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut used = Vec::new();
    for (path, text) in node.map(|node| node.texts(found)).unwrap_or_default() {
        if text.contains(':')
            && let Err(problem) = check(text)
        {
            found.fault(&path, problem);
        }
        if !seen.insert(text) {
            found.fault(path, format!("duplicate value {text:?}"));
        }
        used.push(text.to_owned());
    }
    used
}

/// `16bit:16bit` or `large:32bit:32bit:32bit`.
fn check(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split(':').collect();
    let fits = match parts[..] {
        ["large", ref parts @ ..] => parts.len() == 3 && parts.iter().all(is::<u32>),
        ref parts => parts.len() == 2 && parts.iter().all(is::<u16>),
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "must have the form 65535:65535 or large:4294967295:4294967295:4294967295, not {text:?}"
    ))
}

fn is<T: std::str::FromStr>(part: &&str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<T>().is_ok()
}
