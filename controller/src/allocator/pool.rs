//! One pool: which of its addresses are free. It does not know which Services hold
//! the others; the allocator does. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ferrolb_core::config::Pool;
use ferrolb_core::range::{Family, IpRange, bits};

use super::intervals::Intervals;

/// How full a pool is in one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The family counted.
    pub family: Family,
    /// Addresses that can be assigned; saturates at `u128::MAX`.
    pub total: u128,
    /// Addresses held.
    pub used: u128,
    /// Addresses in quarantine that no Service holds.
    pub withheld: u128,
}

impl Usage {
    /// Addresses left.
    #[must_use]
    pub fn free(&self) -> u128 {
        self.total
            .saturating_sub(self.used)
            .saturating_sub(self.withheld)
    }
}

/// A pool and its free addresses.
#[derive(Debug, Clone)]
pub(super) struct PoolState {
    pub(super) config: Pool,
    blocks: Vec<Block>,
    /// How many of its addresses each namespace holds, by family.
    quotas: BTreeMap<(String, Family), u32>,
}

/// The free addresses of one configured range.
#[derive(Debug, Clone)]
struct Block {
    range: IpRange,
    free: Intervals,
    used: u128,
    /// Addresses in quarantine, which do not become free when they are released.
    withheld: BTreeSet<u128>,
    /// How many of these no Service holds.
    idle: u128,
}

impl PoolState {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            config: pool.clone(),
            blocks: pool.ranges.iter().map(|range| Block::new(*range)).collect(),
            quotas: BTreeMap::new(),
        }
    }

    /// The position of an address in the order of allocation.
    pub(super) fn place(&self, ip: IpAddr) -> Option<(usize, IpAddr)> {
        let block = self.blocks.iter().position(|b| b.range.contains(ip))?;
        Some((block, ip))
    }

    /// The most addresses of a family that one namespace may hold, if it holds
    /// that many already.
    pub(super) fn quota_reached(&self, namespace: &str, family: Family) -> Option<u32> {
        let allocation = self.config.service_allocation.as_ref()?;
        let most = allocation.max_per_namespace?.get();
        let held = self.quotas.get(&(namespace.to_owned(), family));
        (held.copied().unwrap_or_default() >= most).then_some(most)
    }

    /// Counts an address that a namespace did not hold before.
    pub(super) fn count(&mut self, namespace: &str, family: Family) {
        let place = (namespace.to_owned(), family);
        *self.quotas.entry(place).or_default() += 1;
    }

    /// Counts an address that a namespace no longer holds.
    pub(super) fn discount(&mut self, namespace: &str, family: Family) {
        let place = (namespace.to_owned(), family);
        if let Some(held) = self.quotas.get_mut(&place) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.quotas.remove(&place);
            }
        }
    }

    /// Whether `avoidBuggyIPs` excludes the address.
    pub(super) fn avoids(&self, ip: IpAddr) -> bool {
        self.config.avoid_buggy_ips && Family::of(ip) == Family::V4 && is_buggy(bits(ip))
    }

    /// Whether it has any range of the family, full or not.
    pub(super) fn has(&self, family: Family) -> bool {
        self.blocks
            .iter()
            .any(|block| block.range.family() == family)
    }

    /// The first free address of the family: ranges in the order written,
    /// addresses ascending.
    pub(super) fn first_free(&mut self, family: Family) -> Option<IpAddr> {
        let avoid = self.config.avoid_buggy_ips && family == Family::V4;
        let blocks = self.blocks.iter_mut();
        let number = blocks
            .filter(|block| block.range.family() == family)
            .find_map(|block| block.free.lowest(|number| avoid && is_buggy(number)))?;
        family.address(number)
    }

    /// Takes an address that no Service holds yet.
    pub(super) fn take(&mut self, ip: IpAddr) {
        if let Some(block) = self.block(ip) {
            block.free.remove(bits(ip));
            block.used += 1;
            block.idle -= u128::from(block.withheld.contains(&bits(ip)));
        }
    }

    /// Makes a taken address free again, unless it is in quarantine.
    pub(super) fn give_back(&mut self, ip: IpAddr) {
        if let Some(block) = self.block(ip) {
            block.used -= 1;
            if block.withheld.contains(&bits(ip)) {
                block.idle += 1;
            } else {
                block.free.insert(bits(ip));
            }
        }
    }

    /// Puts an address into quarantine; `held` is whether a Service holds it.
    pub(super) fn withhold(&mut self, ip: IpAddr, held: bool) {
        if let Some(block) = self.block(ip) {
            block.free.remove(bits(ip));
            let new = block.withheld.insert(bits(ip));
            block.idle += u128::from(new && !held);
        }
    }

    /// Ends the quarantine of an address.
    pub(super) fn readmit(&mut self, ip: IpAddr, held: bool) {
        let Some(block) = self.block(ip) else {
            return;
        };
        if block.withheld.remove(&bits(ip)) && !held {
            block.idle -= 1;
            block.free.insert(bits(ip));
        }
    }

    /// How full it is, by family.
    pub(super) fn usage(&self) -> Vec<Usage> {
        let families = [Family::V4, Family::V6].into_iter();
        families
            .filter(|family| self.has(*family))
            .map(|family| self.usage_of(family))
            .collect()
    }

    fn usage_of(&self, family: Family) -> Usage {
        let avoid = self.config.avoid_buggy_ips && family == Family::V4;
        let blocks = self
            .blocks
            .iter()
            .filter(|block| block.range.family() == family);
        let empty = Usage {
            family,
            total: 0,
            used: 0,
            withheld: 0,
        };
        blocks.fold(empty, |sum, block| Usage {
            family,
            total: sum.total.saturating_add(block.capacity(avoid)),
            used: sum.used + block.used,
            withheld: sum.withheld + block.idle,
        })
    }

    fn block(&mut self, ip: IpAddr) -> Option<&mut Block> {
        self.blocks
            .iter_mut()
            .find(|block| block.range.contains(ip))
    }
}

impl Block {
    fn new(range: IpRange) -> Self {
        Self {
            range,
            free: Intervals::full(bits(range.first()), bits(range.last())),
            used: 0,
            withheld: BTreeSet::new(),
            idle: 0,
        }
    }

    fn capacity(&self, without_buggy: bool) -> u128 {
        if !without_buggy {
            return self.range.size();
        }
        let buggy_below = |end: u128| end.div_ceil(256) + end / 256;
        let first = bits(self.range.first());
        let buggy = buggy_below(bits(self.range.last()) + 1) - buggy_below(first);
        self.range.size() - buggy
    }
}

/// Whether an IPv4 address ends in .0 or .255.
fn is_buggy(number: u128) -> bool {
    matches!(number % 256, 0 | 255)
}
