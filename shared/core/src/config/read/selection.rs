//! Reads which pools an advertisement of any kind selects. Pure.

use super::entry::Entry;
use super::{selector, unique};
use crate::config::fault::Findings;
use crate::config::{Pool, PoolSelection};

/// Pools named by advertisements: the path and the name.
pub(super) type PoolReferences = Vec<(String, String)>;

/// Reads one selection and adds the pools it names to `references`.
pub(super) fn read(
    entry: &Entry<'_>,
    references: &mut PoolReferences,
    found: &mut Findings,
) -> PoolSelection {
    let fields = &entry.fields;
    let names = unique::texts(fields.field("ipAddressPools"), found);
    let path = fields.path_of("ipAddressPools");
    references.extend(names.iter().map(|name| (path.clone(), name.clone())));
    PoolSelection {
        names: names.into_iter().collect(),
        selectors: selector::list(fields.field("ipAddressPoolSelectors"), found),
    }
}

/// Warns about a pool that does not exist; it may be created later.
pub(super) fn check_pool_references(
    references: &[(String, String)],
    pools: &[Pool],
    found: &mut Findings,
) {
    for (path, name) in references {
        if !pools.iter().any(|pool| pool.name == *name) {
            found.warn(path, format!("pool {name:?} does not exist"));
        }
    }
}
