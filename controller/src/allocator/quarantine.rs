//! Addresses that another host on the LAN uses: they are assigned only on request.
//! How long that lasts is up to the caller. Pure.

use std::net::IpAddr;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family;

use super::refusal::ForeignHost;
use super::{Allocator, Opening, PoolRefusal};

impl Allocator {
    /// Stops assigning this address unless a Service requests it. Services that hold
    /// it keep it and are returned. `mac` is the hardware address of the other host.
    pub fn quarantine(&mut self, ip: IpAddr, mac: String) -> Vec<ObjectKey> {
        let holders: Vec<_> = self.holdings.of(ip).map(|(key, _)| key.clone()).collect();
        self.quarantine.insert(ip, mac);
        if let Some(pool) = self.pool_of(ip) {
            self.pools[pool].withhold(ip, !holders.is_empty());
        }
        holders
    }

    /// Ends the quarantine of an address.
    pub fn readmit(&mut self, ip: IpAddr) {
        let held = self.holdings.is_held(ip);
        if self.quarantine.remove(&ip).is_none() {
            return;
        }
        let Some(pool) = self.pool_of(ip) else {
            return;
        };
        self.pools[pool].readmit(ip, held);
        if !held {
            let name = self.pools[pool].config.name.clone();
            let free = Opening::Free(name, Family::of(ip));
            self.openings.insert(free);
        }
    }

    /// The hardware address of the host that uses an address in quarantine.
    #[must_use]
    pub fn foreign_mac(&self, ip: IpAddr) -> Option<&str> {
        self.quarantine.get(&ip).map(String::as_str)
    }

    /// Why a pool has no free address of a family.
    pub(super) fn exhausted(&self, pool: usize, family: Family) -> PoolRefusal {
        let here = |ip: &IpAddr| Family::of(*ip) == family && self.pool_of(*ip) == Some(pool);
        let idle = |ip: &IpAddr| here(ip) && !self.holdings.is_held(*ip);
        let withheld = self.quarantine.iter().filter(|(ip, _)| idle(ip));
        let withheld: Vec<_> = withheld
            .map(|(ip, mac)| ForeignHost {
                ip: *ip,
                mac: mac.clone(),
            })
            .collect();
        match withheld.is_empty() {
            true => PoolRefusal::Exhausted(family),
            false => PoolRefusal::Withheld { family, withheld },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use ferrolb_core::range::Family::V4;

    use crate::allocator::Allocator;
    use crate::service::Claimant;
    use crate::tests::{allocator, config, key};

    const LAN: &str = "[{name: lan, addresses: [10.0.0.1-10.0.0.2]}]";

    fn allocate(allocator: &mut Allocator, name: &str) -> Result<IpAddr, String> {
        let key = key(name);
        let claimant = Claimant {
            key: &key,
            terms: None,
        };
        let given = allocator.allocate(claimant, 0, &[V4]);
        given.map(|ips| ips[0]).map_err(|why| why.to_string())
    }

    fn ip(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn an_address_in_quarantine_is_not_assigned_even_after_its_release() {
        let mut allocator = allocator(LAN);
        assert_eq!(allocate(&mut allocator, "a"), Ok(ip(1)));
        allocator.quarantine(ip(1), "02:00:00:00:00:01".to_owned());
        allocator.retain(&key("a"), &[]);
        let usage = allocator.usage().next().unwrap().1;
        assert_eq!((usage.used, usage.withheld, usage.free()), (0, 1, 1));
        assert_eq!(allocate(&mut allocator, "b"), Ok(ip(2)));
        assert_eq!(
            allocate(&mut allocator, "c"),
            Err("no free IPv4 address, 1 in quarantine: 10.0.0.1 (used by another host, 02:00:00:00:00:01)"
                .to_owned())
        );
    }

    #[test]
    fn a_quarantine_survives_a_new_configuration_and_its_end_restores_the_pool() {
        let mut allocator = allocator(LAN);
        allocator.quarantine(ip(1), "02:00:00:00:00:01".to_owned());
        allocator.reconfigure(&config(LAN));
        assert_eq!(allocate(&mut allocator, "a"), Ok(ip(2)));
        allocator.readmit(ip(1));
        assert_eq!(allocate(&mut allocator, "b"), Ok(ip(1)));
        let usage = allocator.usage().next().unwrap().1;
        assert_eq!((usage.used, usage.withheld, usage.free()), (2, 0, 0));
    }

    #[test]
    fn an_address_held_in_quarantine_is_counted_once() {
        let mut allocator = allocator(LAN);
        allocator.quarantine(ip(1), "02:00:00:00:00:01".to_owned());
        let key = key("a");
        let claimant = Claimant {
            key: &key,
            terms: None,
        };
        allocator.claim(claimant, ip(1)).unwrap();
        let usage = allocator.usage().next().unwrap().1;
        assert_eq!((usage.used, usage.withheld), (1, 0));
        allocator.readmit(ip(1));
        allocator.retain(&key, &[]);
        let usage = allocator.usage().next().unwrap().1;
        assert_eq!((usage.used, usage.withheld, usage.free()), (0, 0, 2));
    }
}
