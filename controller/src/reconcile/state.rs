//! The view of the controller's state that `/state` shows: pools, the Services
//! that have addresses, and those that do not, with the reason. Pure.

use std::net::IpAddr;

use ferrolb_api::views::{
    AddressState, ControllerState, PoolState, QuarantinedAddress, RefusedService,
};

use super::services::Services;

impl Services {
    /// A view of its state now.
    pub(super) fn state(&self) -> ControllerState {
        ControllerState {
            active: self.active,
            pools: self.pool_pages(),
            addresses: self.holdings(),
            quarantined: self.quarantined(),
            refused: self.refusals(),
        }
    }

    fn pool_pages(&self) -> Vec<PoolState> {
        let page = |(pool, usage): (&str, crate::allocator::Usage)| PoolState {
            name: pool.to_owned(),
            family: usage.family.to_string(),
            total: usage.total.to_string(),
            used: usage.used.to_string(),
            withheld: usage.withheld.to_string(),
            free: usage.free().to_string(),
        };
        self.allocator.usage().map(page).collect()
    }

    fn pool_name(&self, ip: IpAddr) -> Option<String> {
        let index = self.allocator.pool_of(ip)?;
        Some(self.allocator.pool(index).name.clone())
    }

    fn quarantined(&self) -> Vec<QuarantinedAddress> {
        let each = self.quarantine.remaining(self.now);
        let each = each.filter_map(|(ip, left)| {
            Some(QuarantinedAddress {
                ip,
                pool: self.pool_name(ip),
                foreign_mac: self.allocator.stranger(ip)?.to_owned(),
                seconds_left: left.as_secs(),
            })
        });
        each.collect()
    }

    fn holdings(&self) -> Vec<AddressState> {
        let holding = |(ip, services): (IpAddr, Vec<String>)| AddressState {
            ip,
            pool: self.pool_name(ip),
            services,
        };
        let holders = self.allocator.holders();
        let named = holders.map(|(ip, keys)| (ip, keys.map(ToString::to_string).collect()));
        named.map(holding).collect()
    }

    fn refusals(&self) -> Vec<RefusedService> {
        let entries = self.entries.iter();
        let refused = entries.filter_map(|(key, entry)| {
            let refusal = entry.refusal()?;
            Some(RefusedService {
                service: key.to_string(),
                reason: refusal.reason().to_owned(),
                message: refusal.to_string(),
            })
        });
        refused.collect()
    }
}
