//! Which Services wait for what, so that a change wakes only those that it may
//! help. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use ferrolb_core::key::ObjectKey;

use crate::allocator::{Allocator, Opening};

/// A Service by age; the older goes first.
pub(super) type Place = (i64, ObjectKey);

/// Waiting Services by what they wait for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    by_opening: BTreeMap<Opening, BTreeSet<Place>>,
    by_service: BTreeMap<Place, BTreeSet<Opening>>,
}

impl Waits {
    /// Sets what a Service waits for.
    pub(super) fn set(&mut self, place: &Place, openings: BTreeSet<Opening>) {
        if self.by_service.get(place).unwrap_or(&BTreeSet::new()) == &openings {
            return;
        }
        for opening in self.by_service.remove(place).unwrap_or_default() {
            if let Some(places) = self.by_opening.get_mut(&opening) {
                places.remove(place);
                if places.is_empty() {
                    self.by_opening.remove(&opening);
                }
            }
        }
        for opening in &openings {
            let places = self.by_opening.entry(opening.clone()).or_default();
            places.insert(place.clone());
        }
        if !openings.is_empty() {
            self.by_service.insert(place.clone(), openings);
        }
    }

    /// The oldest Service that waits for this, or the next after `last`.
    pub(super) fn next(&self, opening: &Opening, last: Option<&Place>) -> Option<Place> {
        let places = self.by_opening.get(opening)?;
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        places.range((start, Bound::Unbounded)).next().cloned()
    }

    /// How many Services wait.
    pub(super) fn len(&self) -> usize {
        self.by_service.len()
    }
}

/// One pass over the Services that wait for something that may be available now, the
/// oldest first, as long as anything is left.
#[derive(Debug)]
pub(super) struct Pass {
    openings: Vec<Opening>,
    last: Option<Place>,
}

impl Pass {
    pub(super) fn new(openings: BTreeSet<Opening>, waits: &Waits) -> Self {
        let openings = openings.into_iter();
        Self {
            openings: openings
                .filter(|opening| waits.next(opening, None).is_some())
                .collect(),
            last: None,
        }
    }

    /// The next Service.
    pub(super) fn next(&mut self, waits: &Waits, allocator: &mut Allocator) -> Option<ObjectKey> {
        self.openings.retain(|opening| allocator.is_open(opening));
        let next = |opening| waits.next(opening, self.last.as_ref());
        let place = self.openings.iter().filter_map(next).min()?;
        self.last = Some(place.clone());
        Some(place.1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ferrolb_core::key::ObjectKey;

    use super::{Place, Waits};
    use crate::allocator::Opening;

    fn place(age: i64) -> Place {
        let key = ObjectKey {
            namespace: "n".to_owned(),
            name: age.to_string(),
        };
        (age, key)
    }

    fn key(name: &str) -> Opening {
        Opening::Key(name.to_owned())
    }

    #[test]
    fn returns_the_oldest_first_and_forgets_ended_waits() {
        let mut waits = Waits::default();
        waits.set(&place(2), BTreeSet::from([key("a"), key("b")]));
        waits.set(&place(1), BTreeSet::from([key("a")]));
        assert_eq!(waits.next(&key("a"), None), Some(place(1)));
        assert_eq!(waits.next(&key("a"), Some(&place(1))), Some(place(2)));
        waits.set(&place(2), BTreeSet::from([key("b")]));
        assert_eq!(waits.next(&key("a"), Some(&place(1))), None);
        waits.set(&place(1), BTreeSet::new());
        waits.set(&place(2), BTreeSet::new());
        assert!(waits.by_opening.is_empty() && waits.len() == 0);
    }
}
