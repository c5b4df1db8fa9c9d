//! The configuration: what it may say, and every fault in one that may not be.
//!
//! Pure: text in, [`Config`] or [`Faults`] out. Reading is in `read`, faults
//! in `fault`, typed access with paths in `node`, overlaps in `overlap`.

mod fault;
mod node;
mod overlap;
mod read;
#[cfg(test)]
mod tests;

use crate::range::IpRange;

pub use fault::{Fault, Faults};

/// A configuration without faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The pools, in the order they were written; earlier ones are tried first.
    pub pools: Vec<Pool>,
}

/// Addresses to hand out. Field names in YAML are those of MetalLB's
/// `IPAddressPool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// `name`: unique, not empty.
    pub name: String,
    /// `addresses`: at least one, none overlapping another of any pool; earlier
    /// ones are used first.
    pub ranges: Vec<IpRange>,
    /// `autoAssign` (default true): whether a Service that asks for nothing may
    /// get an address from here.
    pub auto_assign: bool,
    /// `avoidBuggyIPs` (default false): whether IPv4 addresses that end in .0
    /// or .255 are left out, for old equipment that takes them for broadcasts.
    pub avoid_buggy_ips: bool,
}

impl Config {
    /// Reads the YAML text of the ConfigMap.
    ///
    /// `pools` must be there. It may be empty: `pools: []` is a clear statement
    /// that nothing is to be handed out, while an empty text or a forgotten
    /// `pools` is more likely an accident, and an accident must change nothing.
    ///
    /// # Errors
    /// All faults there are, not only the first.
    pub fn from_yaml(text: &str) -> Result<Self, Faults> {
        read::config(text)
    }
}
