//! From single measurements to the lines of a report. Pure.

mod table;

pub(crate) use table::Table;

/// Count, middle and extremes of some measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// How many there are.
    pub(crate) count: usize,
    /// The middle one (the lower of two).
    pub(crate) median: f64,
    /// As many as 99 in 100 are at most this.
    pub(crate) p99: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Figures {
    /// The figures of a set; none of an empty one.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            count: sorted.len(),
            median: rank(&sorted, 50)?,
            p99: rank(&sorted, 99)?,
            max: *sorted.last()?,
        })
    }
}

/// The smallest value that at least `percent` of all do not exceed (nearest
/// rank): always one that was measured, so that a p99 of 50 is their maximum.
fn rank(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let figures = Figures::of(&values).unwrap();
        assert_eq!(
            (figures.count, figures.median, figures.p99, figures.max),
            (200, 100.0, 198.0, 200.0)
        );
    }

    #[test]
    fn of_few_the_p99_is_the_maximum() {
        let figures = Figures::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((figures.median, figures.p99, figures.max), (2.0, 3.0, 3.0));
    }

    #[test]
    fn of_one_all_are_that_one_and_of_none_there_are_none() {
        let one = Figures::of(&[7.0]).unwrap();
        assert_eq!((one.median, one.p99, one.max), (7.0, 7.0, 7.0));
        assert_eq!(Figures::of(&[]), None);
    }
}
