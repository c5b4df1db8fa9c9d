//! Takes in what is said about BGP: kept as written, with the pools that its
//! advertisements name.

use serde_json::Value;

use super::entry::Entry;
use super::l2;
use crate::config::fault::Findings;
use crate::config::{Kept, Kind};

/// Keeps one.
pub(super) fn read(
    kind: Kind,
    entry: &Entry<'_>,
    mentions: &mut Vec<(String, String)>,
    found: &mut Findings,
) -> Option<Kept> {
    found.warn(&entry.named_at, "kept, but BGP is not spoken yet");
    if kind == Kind::BgpAdvertisement {
        l2::pools(entry, mentions, found);
    }
    let mut spec = entry.fields.to_map();
    spec.remove("name");
    Some(Kept {
        name: entry.name.clone(),
        spec: Value::Object(spec),
    })
}
