//! Reads a BGP advertisement. Pure.

use super::super::entry::Entry;
use super::super::selection::{self, PoolReferences};
use super::super::{selector, unique};
use super::community;
use crate::config::BgpAdvertisement;
use crate::config::fault::Findings;
use crate::config::node::Mapping;

const FIELDS: [&str; 9] = [
    "aggregationLength",
    "aggregationLengthV6",
    "localPref",
    "communities",
    "peers",
    "ipAddressPools",
    "ipAddressPoolSelectors",
    "nodeSelectors",
    "serviceSelectors",
];

/// The longest prefix lengths, which are also the defaults.
pub(super) const LONGEST: [u8; 2] = [32, 128];

/// The paths of its fields.
pub(super) struct FieldPaths {
    /// Of both aggregation lengths, IPv4 first.
    pub(super) lengths: [String; 2],
    pub(super) local_pref: String,
    pub(super) communities: String,
    pub(super) peers: String,
}

/// The paths of the fields of an advertisement, whether present or not.
pub(super) fn field_paths(entry: &Entry<'_>) -> FieldPaths {
    let of = |name: &str| entry.fields.path_of(name);
    FieldPaths {
        lengths: [of("aggregationLength"), of("aggregationLengthV6")],
        local_pref: of("localPref"),
        communities: of("communities"),
        peers: of("peers"),
    }
}

/// Reads one advertisement and adds the pools it names to `references`.
pub(super) fn read(
    entry: &Entry<'_>,
    references: &mut PoolReferences,
    found: &mut Findings,
) -> BgpAdvertisement {
    entry.check_fields(&FIELDS, found);
    let fields = &entry.fields;
    let selectors = |name: &str, found: &mut Findings| selector::list(fields.field(name), found);
    let read = BgpAdvertisement {
        name: entry.name.clone(),
        aggregation_length: length(fields, "aggregationLength", LONGEST[0], found),
        aggregation_length_v6: length(fields, "aggregationLengthV6", LONGEST[1], found),
        local_pref: local_pref(fields, found),
        communities: community::used(fields.field("communities"), found),
        peers: unique::texts(fields.field("peers"), found)
            .into_iter()
            .collect(),
        pools: selection::read(entry, references, found),
        node_selectors: selectors("nodeSelectors", found),
        service_selectors: selectors("serviceSelectors", found),
    };
    let aggregates = [read.aggregation_length, read.aggregation_length_v6] != LONGEST;
    if aggregates && !read.service_selectors.is_empty() {
        let problem = "cannot be combined with aggregationLength or aggregationLengthV6: a prefix covers more than the selected Services";
        found.fault(fields.path_of("serviceSelectors"), problem);
    }
    read
}

fn length(fields: &Mapping<'_>, name: &str, longest: u8, found: &mut Findings) -> u8 {
    let node = fields.field(name);
    let number = node.and_then(|node| node.number(1, longest.into(), found));
    number
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(longest)
}

fn local_pref(fields: &Mapping<'_>, found: &mut Findings) -> u32 {
    let node = fields.field("localPref");
    let number = node.and_then(|node| node.number(0, u32::MAX.into(), found));
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_default()
}
