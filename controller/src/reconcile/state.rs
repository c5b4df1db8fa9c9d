//! The view of the controller's state that `/state` shows: pools, the Services
//! that have addresses, and those that do not, with the reason. Pure.

use std::net::IpAddr;

use ferrolb_api::views::{
    AddressState, ControllerState, PoolState, QuarantinedAddress, RefusedService,
};

use super::Reconciler;
use super::services::Services;
use crate::allocator::Allocator;

impl Reconciler {
    /// A view of its state now.
    #[must_use]
    pub fn state(&self) -> ControllerState {
        let quarantined = self.quarantine.iter().filter_map(|(ip, until)| {
            Some(QuarantinedAddress {
                ip,
                pool: pool_name(&self.allocator, ip),
                foreign_mac: self.allocator.foreign_mac(ip)?.to_owned(),
                seconds_left: until.saturating_sub(self.now).as_secs(),
            })
        });
        ControllerState {
            active: self.role.is_active(),
            pools: pools(&self.allocator),
            addresses: addresses(&self.allocator),
            quarantined: quarantined.collect(),
            refused: refused(&self.services),
        }
    }
}

fn pool_name(allocator: &Allocator, ip: IpAddr) -> Option<String> {
    let index = allocator.pool_of(ip)?;
    Some(allocator.pool(index).name.clone())
}

fn pools(allocator: &Allocator) -> Vec<PoolState> {
    let pools = allocator.usage().map(|(pool, usage)| PoolState {
        name: pool.to_owned(),
        family: usage.family.to_string(),
        total: usage.total.to_string(),
        used: usage.used.to_string(),
        withheld: usage.withheld.to_string(),
        free: usage.free().to_string(),
    });
    pools.collect()
}

fn addresses(allocator: &Allocator) -> Vec<AddressState> {
    let addresses = allocator.holders().map(|(ip, keys)| AddressState {
        ip,
        pool: pool_name(allocator, ip),
        services: keys.map(ToString::to_string).collect(),
    });
    addresses.collect()
}

fn refused(services: &Services) -> Vec<RefusedService> {
    let refused = services.iter().filter_map(|entry| {
        let refusal = entry.refusal()?;
        Some(RefusedService {
            service: entry.view.key.to_string(),
            reason: refusal.reason().to_owned(),
            message: refusal.to_string(),
        })
    });
    refused.collect()
}
