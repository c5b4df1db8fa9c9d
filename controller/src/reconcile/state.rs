//! What the controller holds, for people: pools, who holds what, who waits and
//! why. Values to be shown as JSON.

use std::net::IpAddr;

use serde::Serialize;

use super::Reconciler;

/// Everything at one moment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatePage {
    /// Whether this replica chooses addresses; else the rest is empty.
    pub active: bool,
    /// The pools and how full they are.
    pub pools: Vec<PoolPage>,
    /// The addresses held, ascending.
    pub addresses: Vec<Holding>,
    /// The addresses given to nobody who does not ask for them, ascending.
    pub quarantined: Vec<Quarantined>,
    /// The Services that do not have what they ask for.
    pub refused: Vec<Waiting>,
}

/// How full a pool is in one family. Counts are text, because an IPv6 pool
/// does not fit a JSON number.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolPage {
    /// The pool's name.
    pub name: String,
    /// `IPv4` or `IPv6`.
    pub family: String,
    /// Addresses that may be handed out.
    pub total: String,
    /// Addresses held.
    pub used: String,
    /// Addresses that nobody holds and nobody is given, see `quarantined`.
    pub withheld: String,
    /// Addresses left.
    pub free: String,
}

/// One address and who holds it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: Option<String>,
    /// Namespace and name of each Service that holds it.
    pub services: Vec<String>,
}

/// An address that a stranger on the LAN uses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: Option<String>,
    /// The stranger's hardware address.
    pub stranger: String,
    /// For how many more seconds nobody is given it.
    pub seconds_left: u64,
}

/// A Service that does not have what it asks for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Namespace and name.
    pub service: String,
    /// The reason in one word.
    pub reason: &'static str,
    /// The reason for people.
    pub message: String,
}

impl Reconciler {
    /// What it holds at this moment.
    #[must_use]
    pub fn state(&self) -> StatePage {
        StatePage {
            active: self.active,
            pools: self.pool_pages(),
            addresses: self.holdings(),
            quarantined: self.quarantined(),
            refused: self.refusals(),
        }
    }

    fn pool_pages(&self) -> Vec<PoolPage> {
        let page = |(pool, usage): (&str, crate::allocator::Usage)| PoolPage {
            name: pool.to_owned(),
            family: usage.family.to_string(),
            total: usage.total.to_string(),
            used: usage.used.to_string(),
            withheld: usage.withheld.to_string(),
            free: usage.free().to_string(),
        };
        self.usage().map(page).collect()
    }

    fn pool_name(&self, ip: IpAddr) -> Option<String> {
        let index = self.allocator.pool_of(ip)?;
        Some(self.allocator.pool(index).name.clone())
    }

    fn quarantined(&self) -> Vec<Quarantined> {
        let each = self.quarantine.iter().filter_map(|(ip, until)| {
            Some(Quarantined {
                ip: *ip,
                pool: self.pool_name(*ip),
                stranger: self.allocator.stranger(*ip)?.to_owned(),
                seconds_left: until.saturating_sub(self.now).as_secs(),
            })
        });
        each.collect()
    }

    fn holdings(&self) -> Vec<Holding> {
        let holding = |(ip, services): (IpAddr, Vec<String>)| Holding {
            ip,
            pool: self.pool_name(ip),
            services,
        };
        let holders = self.allocator.holders();
        let named = holders.map(|(ip, keys)| (ip, keys.map(ToString::to_string).collect()));
        named.map(holding).collect()
    }

    fn refusals(&self) -> Vec<Waiting> {
        let entries = self.services.iter();
        let refused = entries.filter_map(|(key, entry)| {
            let refusal = entry.refusal()?;
            Some(Waiting {
                service: key.to_string(),
                reason: refusal.reason(),
                message: refusal.to_string(),
            })
        });
        refused.collect()
    }
}
