//! Which Service holds which address, and which are free. Pure: the same calls in
//! the same order always give the same results. Finding, taking and releasing an
//! address is logarithmic in the number of addresses held, whatever the size of the
//! pools.
//!
//! It does not know why an address is needed; `decide` does.

mod holdings;
mod index;
mod intervals;
mod pool;
mod quarantine;
mod refusal;
mod sharing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::config::{Config, Pool};
use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family;

use crate::service::Claimant;
use holdings::Holdings;
use index::Index;
use pool::PoolState;

pub use pool::Usage;
pub use refusal::{ClaimRefusal, Opening, PoolRefusal};
pub use sharing::Conflict;

/// The pools and the holders of their addresses.
#[derive(Debug, Clone, Default)]
pub struct Allocator {
    pools: Vec<PoolState>,
    index: Index,
    holdings: Holdings,
    /// Addresses that are assigned only on request, and the hardware address of the
    /// host that uses each.
    quarantine: BTreeMap<IpAddr, String>,
    openings: BTreeSet<Opening>,
}

impl Allocator {
    /// All addresses of a configuration, all free.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            pools: config.pools.iter().map(PoolState::new).collect(),
            index: Index::new(config),
            ..Self::default()
        }
    }

    /// Changes the pools. Every address that a pool still contains stays with its
    /// holders; the others are released.
    pub fn reconfigure(&mut self, config: &Config) {
        let before = std::mem::replace(self, Self::new(config));
        for (ip, mac) in before.quarantine {
            self.quarantine(ip, mac);
        }
        for (ip, claimant) in before.holdings.claims() {
            let _outside = self.claim(claimant, ip);
        }
    }

    /// Whether a Service may hold a certain address; nothing changes.
    ///
    /// # Errors
    /// When no pool contains the address, or another Service holds it.
    pub fn check(&self, claimant: Claimant<'_>, ip: IpAddr) -> Result<(), ClaimRefusal> {
        let pool = self.pool_of(ip).ok_or(ClaimRefusal::Uncovered(ip))?;
        let pool = &self.pools[pool];
        if pool.avoids(ip) {
            let pool = pool.config.name.clone();
            return Err(ClaimRefusal::Avoided { ip, pool });
        }
        for (holder, terms) in self.holdings.of(ip) {
            let theirs = (holder, terms);
            let ours = (claimant.key, claimant.terms.map(Arc::as_ref));
            if holder == claimant.key {
                continue;
            }
            if let Some(conflict) = sharing::conflict(ours, theirs) {
                let holder = holder.clone();
                return Err(ClaimRefusal::Held {
                    ip,
                    holder,
                    conflict,
                });
            }
        }
        Ok(())
    }

    /// Gives a Service a certain address, on its present terms.
    ///
    /// # Errors
    /// As [`Allocator::check`]; nothing has changed then.
    pub fn claim(&mut self, claimant: Claimant<'_>, ip: IpAddr) -> Result<(), ClaimRefusal> {
        self.check(claimant, ip)?;
        self.hold(claimant, ip);
        Ok(())
    }

    /// Gives a Service one address of each family from the pool with this index, or
    /// none: the first that is free or can be shared on its terms.
    ///
    /// # Errors
    /// The reason why the pool cannot provide them.
    pub fn allocate(
        &mut self,
        claimant: Claimant<'_>,
        pool: usize,
        families: &[Family],
    ) -> Result<Vec<IpAddr>, PoolRefusal> {
        if let Some(&family) = families.iter().find(|f| !self.pools[pool].has(**f)) {
            return Err(PoolRefusal::Without(family));
        }
        let choice = families
            .iter()
            .map(|family| self.first(claimant, pool, *family));
        let choice = choice.collect::<Result<Vec<_>, _>>()?;
        for &ip in &choice {
            self.hold(claimant, ip);
        }
        Ok(choice)
    }

    /// Whether the quota of a Service's namespace allows this address of a pool; one
    /// that the namespace holds already is not one more.
    ///
    /// # Errors
    /// When the namespace holds as many as it may.
    pub fn within_quota(
        &self,
        key: &ObjectKey,
        pool: usize,
        ip: IpAddr,
    ) -> Result<(), PoolRefusal> {
        if self.holdings.in_namespace(&key.namespace, ip) {
            return Ok(());
        }
        self.quota(key, pool, Family::of(ip))
    }

    fn quota(&self, key: &ObjectKey, pool: usize, family: Family) -> Result<(), PoolRefusal> {
        match self.pools[pool].quota_reached(&key.namespace, family) {
            None => Ok(()),
            Some(most) => Err(PoolRefusal::Quota {
                namespace: key.namespace.clone(),
                family,
                most,
            }),
        }
    }

    fn first(
        &mut self,
        claimant: Claimant<'_>,
        pool: usize,
        family: Family,
    ) -> Result<IpAddr, PoolRefusal> {
        let quota = self.quota(claimant.key, pool, family);
        let (shared, refusal) = self.first_shared(claimant, pool, family, quota.is_ok());
        if let (Err(quota), None) = (&quota, shared) {
            return Err(quota.clone());
        }
        let free = self.pools[pool].first_free(family);
        let free = free.filter(|_| quota.is_ok());
        let both = [shared, free].into_iter().flatten();
        both.min_by_key(|ip| self.pools[pool].place(*ip))
            .ok_or_else(|| match refusal {
                Some(refusal) => PoolRefusal::Unshareable {
                    family,
                    refusal: Box::new(refusal),
                },
                None => self.exhausted(pool, family),
            })
    }

    /// The first address held under the Service's sharing key that it may hold too,
    /// else why the first candidate cannot be shared.
    fn first_shared(
        &self,
        claimant: Claimant<'_>,
        pool: usize,
        family: Family,
        more: bool,
    ) -> (Option<IpAddr>, Option<ClaimRefusal>) {
        let here = |ip: &IpAddr| Family::of(*ip) == family && self.pool_of(*ip) == Some(pool);
        let usable = |ip: &IpAddr| here(ip) && self.foreign_mac(*ip).is_none();
        let namespace = &claimant.key.namespace;
        let counted = |ip: &IpAddr| more || self.holdings.in_namespace(namespace, *ip);
        let state = &self.pools[pool];
        let mut refusal = None;
        let mut best: Option<IpAddr> = None;
        let addresses = claimant.terms.map(|terms| self.holdings.shared(&terms.key));
        let addresses = addresses.into_iter().flatten();
        for ip in addresses.filter(usable).filter(counted) {
            match self.check(claimant, ip) {
                Ok(()) if best.is_none_or(|b| state.place(ip) < state.place(b)) => best = Some(ip),
                Ok(()) => {}
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        (best, refusal)
    }

    /// Releases every address of a Service that is not in `keep`; how many.
    pub fn retain(&mut self, key: &ObjectKey, keep: &[IpAddr]) -> usize {
        let held = self.holdings.held(key);
        let released: Vec<IpAddr> = held.filter(|ip| !keep.contains(ip)).collect();
        for &ip in &released {
            self.release(key, ip);
        }
        released.len()
    }

    /// What has become available since the last call.
    pub fn take_openings(&mut self) -> BTreeSet<Opening> {
        std::mem::take(&mut self.openings)
    }

    /// Whether something that has become available is still there.
    pub fn is_open(&mut self, opening: &Opening) -> bool {
        let (Opening::Free(name, family) | Opening::Quota(name, _, family)) = opening else {
            return true;
        };
        let mut pools = self.pools.iter_mut();
        let Some(pool) = pools.find(|pool| pool.config.name == *name) else {
            return false;
        };
        match opening {
            Opening::Quota(_, namespace, _) => pool.quota_reached(namespace, *family).is_none(),
            _ => pool.first_free(*family).is_some(),
        }
    }

    /// The addresses a Service holds, ascending.
    #[must_use]
    pub fn held(&self, key: &ObjectKey) -> Vec<IpAddr> {
        self.holdings.held(key).collect()
    }

    /// Every address held, ascending, with the Services that hold it.
    pub fn holders(&self) -> impl Iterator<Item = (IpAddr, impl Iterator<Item = &ObjectKey>)> {
        self.holdings.iter()
    }

    /// The index of the pool that contains the address.
    #[must_use]
    pub fn pool_of(&self, ip: IpAddr) -> Option<usize> {
        self.index.pool_of(ip)
    }

    /// The configuration of the pool with this index.
    #[must_use]
    pub fn pool(&self, index: usize) -> &Pool {
        &self.pools[index].config
    }

    /// The pools, in the order of the configuration.
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.pools.iter().map(|pool| &pool.config)
    }

    /// How full each pool is, by family.
    pub fn usage(&self) -> impl Iterator<Item = (&str, Usage)> {
        let families = |pool: &PoolState| pool.usage();
        let pools = self.pools.iter();
        pools.flat_map(move |pool| {
            families(pool)
                .into_iter()
                .map(|usage| (pool.config.name.as_str(), usage))
        })
    }

    fn hold(&mut self, claimant: Claimant<'_>, ip: IpAddr) {
        let key = claimant.key;
        let before = self.holdings.terms(key, ip);
        if before == Some(claimant.terms) {
            return;
        }
        if before.is_some() {
            // The terms have changed, which may help Services that share or want to.
            self.release(key, ip);
        }
        if let Some(pool) = self.index.pool_of(ip) {
            let pool = &mut self.pools[pool];
            if !self.holdings.is_held(ip) {
                pool.take(ip);
            }
            if !self.holdings.in_namespace(&key.namespace, ip) {
                pool.count(&key.namespace, Family::of(ip));
            }
        }
        self.holdings.insert(claimant, ip);
        let sharing = claimant.terms.map(|terms| Opening::Key(terms.key.clone()));
        self.openings.extend(sharing);
    }

    fn release(&mut self, key: &ObjectKey, ip: IpAddr) {
        let Some(terms) = self.holdings.remove(key, ip) else {
            return;
        };
        let sharing = terms.map(|terms| Opening::Key(terms.key.clone()));
        self.openings.extend(sharing);
        self.openings.insert(Opening::Address(ip));
        let Some(pool) = self.index.pool_of(ip) else {
            return;
        };
        let family = Family::of(ip);
        let pool = &mut self.pools[pool];
        let name = || pool.config.name.clone();
        let freed = !self.holdings.is_held(ip);
        if freed && !self.quarantine.contains_key(&ip) {
            self.openings.insert(Opening::Free(name(), family));
        }
        if !self.holdings.in_namespace(&key.namespace, ip) {
            let quota = Opening::Quota(name(), key.namespace.clone(), family);
            self.openings.insert(quota);
            pool.discount(&key.namespace, family);
        }
        if freed {
            pool.give_back(ip);
        }
    }
}
