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
            pools: pool_pages(self),
            addresses: holdings(self),
            quarantined: quarantined(self),
            refused: refusals(self),
        }
    }
}

fn pool_pages(services: &Services) -> Vec<PoolState> {
    let page = |(pool, usage): (&str, crate::allocator::Usage)| PoolState {
        name: pool.to_owned(),
        family: usage.family.to_string(),
        total: usage.total.to_string(),
        used: usage.used.to_string(),
        withheld: usage.withheld.to_string(),
        free: usage.free().to_string(),
    };
    services.allocator.usage().map(page).collect()
}

fn pool_name(services: &Services, ip: IpAddr) -> Option<String> {
    let index = services.allocator.pool_of(ip)?;
    Some(services.allocator.pool(index).name.clone())
}

fn quarantined(services: &Services) -> Vec<QuarantinedAddress> {
    let each = services.quarantine.remaining(services.now);
    let each = each.filter_map(|(ip, left)| {
        Some(QuarantinedAddress {
            ip,
            pool: pool_name(services, ip),
            foreign_mac: services.allocator.stranger(ip)?.to_owned(),
            seconds_left: left.as_secs(),
        })
    });
    each.collect()
}

fn holdings(services: &Services) -> Vec<AddressState> {
    let holding = |(ip, holders): (IpAddr, Vec<String>)| AddressState {
        ip,
        pool: pool_name(services, ip),
        services: holders,
    };
    let holders = services.allocator.holders();
    let named = holders.map(|(ip, keys)| (ip, keys.map(ToString::to_string).collect()));
    named.map(holding).collect()
}

fn refusals(services: &Services) -> Vec<RefusedService> {
    let entries = services.entries.iter();
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
