//! Finds ranges that share addresses, within a pool or between pools.

use super::fault::Findings;
use crate::range::IpRange;

/// A range and where it was written.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) range: IpRange,
}

/// Adds a fault for each range that shares addresses with one before it in
/// address order. Each range of a pile is named once, so that a thousand
/// ranges inside one do not give half a million faults.
pub(super) fn refuse(places: Vec<Place>, found: &mut Findings) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&index| (places[index].range.family(), places[index].range.first()));
    let mut pairs = Vec::new();
    let mut furthest: Option<usize> = None;
    for index in order {
        if let Some(other) = furthest.filter(|&o| places[o].range.overlaps(&places[index].range)) {
            pairs.push((index.max(other), index.min(other)));
        }
        furthest = Some(match furthest {
            Some(other) if reaches_further(&places[other], &places[index]) => other,
            _ => index,
        });
    }
    pairs.sort_unstable();
    for (later, earlier) in pairs {
        add(&places[later], &places[earlier], found);
    }
}

fn reaches_further(a: &Place, b: &Place) -> bool {
    a.range.family() == b.range.family() && a.range.last() >= b.range.last()
}

fn add(later: &Place, earlier: &Place, found: &mut Findings) {
    let problem = format!(
        "{:?} overlaps {} {:?}",
        later.text, earlier.path, earlier.text
    );
    found.fault(&later.path, problem);
}
