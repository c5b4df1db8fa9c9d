//! Finds ranges that share addresses, within a pool or between pools. Pure.

use super::fault::Findings;
use crate::range::IpRange;

/// A range, its text and its path.
#[derive(Debug)]
pub(super) struct RangeLocation {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) range: IpRange,
}

/// Adds a fault for each range that shares addresses with an earlier one in
/// address order. Each range is reported once, so that a thousand ranges inside
/// one do not produce half a million faults.
pub(super) fn reject(locations: Vec<RangeLocation>, found: &mut Findings) {
    let mut order: Vec<usize> = (0..locations.len()).collect();
    order.sort_by_key(|&index| {
        (
            locations[index].range.family(),
            locations[index].range.first(),
        )
    });
    let mut pairs = Vec::new();
    let mut furthest: Option<usize> = None;
    for index in order {
        if let Some(other) =
            furthest.filter(|&o| locations[o].range.overlaps(&locations[index].range))
        {
            pairs.push((index.max(other), index.min(other)));
        }
        furthest = Some(match furthest {
            Some(other) if reaches_further(&locations[other], &locations[index]) => other,
            _ => index,
        });
    }
    pairs.sort_unstable();
    for (later, earlier) in pairs {
        add(&locations[later], &locations[earlier], found);
    }
}

fn reaches_further(a: &RangeLocation, b: &RangeLocation) -> bool {
    a.range.family() == b.range.family() && a.range.last() >= b.range.last()
}

fn add(later: &RangeLocation, earlier: &RangeLocation, found: &mut Findings) {
    let problem = format!(
        "{:?} overlaps {} ({:?})",
        later.text, earlier.path, earlier.text
    );
    found.fault(&later.path, problem);
}
