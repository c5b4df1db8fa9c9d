//! A set of numbers kept as disjoint intervals, so that its size in memory and
//! the time to find a member depend on how scattered it is, not on how many
//! numbers there are: an IPv6 /64 is as cheap as an IPv4 /32. Pure.

use std::collections::BTreeMap;

/// Numbers as maximal intervals, by first number, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intervals(BTreeMap<u128, u128>);

impl Intervals {
    /// All numbers from `first` to `last`, both included.
    pub(super) fn full(first: u128, last: u128) -> Self {
        Self(BTreeMap::from([(first, last)]))
    }

    /// The lowest member that is not `excluded`. Excluded members below it leave the
    /// set for good, so that no later call walks over them again.
    pub(super) fn lowest(&mut self, excluded: impl Fn(u128) -> bool) -> Option<u128> {
        loop {
            let lowest = *self.0.first_key_value()?.0;
            if !excluded(lowest) {
                return Some(lowest);
            }
            self.remove(lowest);
        }
    }

    /// Removes a number; false if it was not a member.
    pub(super) fn remove(&mut self, number: u128) -> bool {
        let Some((&first, &last)) = self.around(number) else {
            return false;
        };
        self.0.remove(&first);
        if first < number {
            self.0.insert(first, number - 1);
        }
        if number < last {
            self.0.insert(number + 1, last);
        }
        true
    }

    /// Adds a number; false if it was a member already.
    pub(super) fn insert(&mut self, number: u128) -> bool {
        if self.around(number).is_some() {
            return false;
        }
        let above = number.checked_add(1).and_then(|next| self.0.remove(&next));
        let last = above.unwrap_or(number);
        let below = self.0.range(..number).next_back();
        let first = match below {
            Some((&first, &end)) if number.checked_sub(1) == Some(end) => first,
            _ => number,
        };
        self.0.insert(first, last);
        true
    }

    fn around(&self, number: u128) -> Option<(&u128, &u128)> {
        let candidate = self.0.range(..=number).next_back();
        candidate.filter(|&(_, &last)| number <= last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Intervals;

    #[test]
    fn the_widest_set_works_at_both_ends() {
        let mut set = Intervals::full(0, u128::MAX);
        assert!(set.remove(0) && set.remove(u128::MAX));
        assert!(!set.remove(u128::MAX));
        assert!(set.insert(u128::MAX) && set.insert(0));
        assert_eq!(set, Intervals::full(0, u128::MAX));
    }

    #[test]
    fn skips_excluded_numbers() {
        let mut set = Intervals::full(0, 9);
        assert_eq!(set.lowest(|number| number < 3), Some(3));
        assert_eq!(set.lowest(|_| true), None);
    }

    proptest! {
        #[test]
        fn behaves_like_a_plain_set(steps in prop::collection::vec((any::<bool>(), 0u128..24), 0..200)) {
            let mut set = Intervals::full(0, 15);
            let mut plain: BTreeSet<u128> = (0..=15).collect();
            for (insert, number) in steps {
                if insert {
                    prop_assert_eq!(set.insert(number), plain.insert(number));
                } else {
                    prop_assert_eq!(set.remove(number), plain.remove(&number));
                }
                prop_assert_eq!(set.lowest(|_| false), plain.first().copied());
            }
        }

        #[test]
        fn giving_everything_back_restores_one_interval(order in Just((0u128..32).collect::<Vec<_>>()).prop_shuffle()) {
            let mut set = Intervals::full(0, 31);
            for &number in &order {
                set.remove(number);
            }
            for &number in order.iter().rev() {
                set.insert(number);
            }
            prop_assert_eq!(set, Intervals::full(0, 31));
        }
    }
}
