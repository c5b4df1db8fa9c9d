//! Who holds which address, and which are free. A pure structure: the same
//! calls in the same order always give the same answers. Finding, taking and
//! releasing an address is logarithmic in the number of addresses held,
//! whatever the size of the pools.
//!
//! It does not know why an address is wanted; `decide` does.

mod intervals;
mod pool;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ferrolb_core::config::Config;
use ferrolb_core::range::Family;
use thiserror::Error;

use crate::service::ServiceKey;
use pool::PoolState;

pub use pool::Usage;

/// Why a certain address cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimRefusal {
    /// No pool covers it.
    #[error("{0} is in no pool")]
    Uncovered(IpAddr),
    /// Its pool has `avoidBuggyIPs` on and it ends in .0 or .255.
    #[error("{ip} is left out by pool {pool} (avoidBuggyIPs)")]
    Avoided {
        /// The address.
        ip: IpAddr,
        /// The pool's name.
        pool: String,
    },
    /// Another Service holds it.
    #[error("{ip} is held by Service {holder}")]
    Held {
        /// The address.
        ip: IpAddr,
        /// Who holds it.
        holder: ServiceKey,
    },
}

/// Why a pool gives a Service nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolRefusal {
    /// `autoAssign: false`, and the Service did not ask for its addresses.
    #[error("autoAssign is off")]
    NotAutoAssign,
    /// It has no range of a family the Service needs.
    #[error("has no {0} addresses")]
    Without(Family),
    /// Every address of the family is held.
    #[error("{0} is exhausted")]
    Exhausted(Family),
}

/// The pools and the holders of their addresses.
#[derive(Debug, Clone, Default)]
pub struct Allocator {
    pools: Vec<PoolState>,
    holders: BTreeMap<IpAddr, ServiceKey>,
    held: BTreeMap<ServiceKey, BTreeSet<IpAddr>>,
}

impl Allocator {
    /// All addresses of a configuration, all free.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            pools: config.pools.iter().map(PoolState::new).collect(),
            ..Self::default()
        }
    }

    /// Changes the pools. Every address that is still covered stays with its
    /// holder; the others are held by nobody afterwards.
    pub fn reconfigure(&mut self, config: &Config) {
        let holders = std::mem::replace(self, Self::new(config)).holders;
        for (ip, key) in holders {
            let _uncovered = self.claim(&key, ip);
        }
    }

    /// Gives a Service a certain address; nothing changes if it holds it already.
    ///
    /// # Errors
    /// When no pool covers the address, or another Service holds it.
    pub fn claim(&mut self, key: &ServiceKey, ip: IpAddr) -> Result<(), ClaimRefusal> {
        match self.holders.get(&ip) {
            Some(holder) if holder == key => return Ok(()),
            Some(holder) => {
                let holder = holder.clone();
                return Err(ClaimRefusal::Held { ip, holder });
            }
            None => {}
        }
        let pool = self.pools.iter_mut().find(|pool| pool.contains(ip));
        let pool = pool.ok_or(ClaimRefusal::Uncovered(ip))?;
        if pool.avoids(ip) || !pool.take(ip) {
            let pool = pool.name.clone();
            return Err(ClaimRefusal::Avoided { ip, pool });
        }
        self.hold(key, ip);
        Ok(())
    }

    /// Gives a Service one free address of each family from the pool with this
    /// index, or nothing at all.
    ///
    /// # Errors
    /// When the pool cannot give them; which it is of the reasons.
    pub fn allocate(
        &mut self,
        key: &ServiceKey,
        pool: usize,
        families: &[Family],
    ) -> Result<Vec<IpAddr>, PoolRefusal> {
        let free = self.first_free(pool, families)?;
        for &ip in &free {
            self.pools[pool].take(ip);
            self.hold(key, ip);
        }
        Ok(free)
    }

    fn first_free(&mut self, pool: usize, families: &[Family]) -> Result<Vec<IpAddr>, PoolRefusal> {
        let pool = &mut self.pools[pool];
        if !pool.auto_assign {
            return Err(PoolRefusal::NotAutoAssign);
        }
        if let Some(&family) = families.iter().find(|family| !pool.has(**family)) {
            return Err(PoolRefusal::Without(family));
        }
        let free = |&family| {
            pool.first_free(family)
                .ok_or(PoolRefusal::Exhausted(family))
        };
        families.iter().map(free).collect()
    }

    /// Takes from a Service every address that is not in `keep`; how many.
    pub fn retain(&mut self, key: &ServiceKey, keep: &[IpAddr]) -> usize {
        let Some(held) = self.held.get_mut(key) else {
            return 0;
        };
        let (kept, released): (BTreeSet<_>, BTreeSet<_>) =
            held.iter().partition(|ip| keep.contains(ip));
        if kept.is_empty() {
            self.held.remove(key);
        } else {
            *held = kept;
        }
        for &ip in &released {
            self.holders.remove(&ip);
            if let Some(pool) = self.pool_of(ip) {
                self.pools[pool].give_back(ip);
            }
        }
        released.len()
    }

    /// The addresses a Service holds, ascending.
    #[must_use]
    pub fn held(&self, key: &ServiceKey) -> Vec<IpAddr> {
        self.held.get(key).into_iter().flatten().copied().collect()
    }

    /// The index of the pool that covers the address.
    #[must_use]
    pub fn pool_of(&self, ip: IpAddr) -> Option<usize> {
        self.pools.iter().position(|pool| pool.contains(ip))
    }

    /// The names of the pools, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pools.iter().map(|pool| pool.name.as_str())
    }

    /// How full each pool is, by family.
    pub fn usage(&self) -> impl Iterator<Item = (&str, Usage)> {
        let families = |pool: &PoolState| pool.usage();
        let pools = self.pools.iter();
        pools.flat_map(move |pool| {
            families(pool)
                .into_iter()
                .map(|usage| (pool.name.as_str(), usage))
        })
    }

    fn hold(&mut self, key: &ServiceKey, ip: IpAddr) {
        self.holders.insert(ip, key.clone());
        self.held.entry(key.clone()).or_default().insert(ip);
    }
}
