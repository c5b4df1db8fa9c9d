//! Which pool contains an address, found in logarithmic time. Pure.

use std::net::IpAddr;

use ferrolb_core::config::Config;

/// The ranges of all pools by first address; none overlaps another.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(Vec<(IpAddr, IpAddr, usize)>);

impl Index {
    pub(super) fn new(config: &Config) -> Self {
        let ranges = config.pools.iter().enumerate();
        let mut ranges: Vec<_> = ranges
            .flat_map(|(pool, config)| config.ranges.iter().map(move |range| (pool, range)))
            .map(|(pool, range)| (range.first(), range.last(), pool))
            .collect();
        ranges.sort_unstable();
        Self(ranges)
    }

    pub(super) fn pool_of(&self, ip: IpAddr) -> Option<usize> {
        let above = self.0.partition_point(|(first, _, _)| *first <= ip);
        let (_, last, pool) = self.0.get(above.checked_sub(1)?)?;
        (ip <= *last).then_some(*pool)
    }
}
