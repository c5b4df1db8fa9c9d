//! Allocations per second in memory: a full IPv4 /16 and as many of an IPv6 /64.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrolb_controller::allocator::Allocator;
use ferrolb_controller::service::Claimant;
use ferrolb_core::config::Config;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family;

/// How many addresses each run hands out: all of a /16.
pub(crate) const COUNT: u32 = 65_536;

/// The time to hand all of them out, and to release and hand out again every
/// second one.
pub(crate) fn run(range: &str, family: Family) -> Result<Duration> {
    let text = format!("pools: [{{name: a, addresses: ['{range}']}}]");
    let config = Config::from_yaml(&text).context("the bench's configuration")?;
    let mut allocator = Allocator::new(&config);
    let keys: Vec<ObjectKey> = (0..COUNT).map(key).collect();
    let start = Instant::now();
    for key in &keys {
        allocate(&mut allocator, key, family)?;
    }
    for key in keys.iter().step_by(2) {
        allocator.retain(key, &[]);
        allocator.take_openings();
        allocate(&mut allocator, key, family)?;
    }
    Ok(start.elapsed())
}

fn allocate(allocator: &mut Allocator, key: &ObjectKey, family: Family) -> Result<()> {
    let claimant = Claimant { key, terms: None };
    allocator.allocate(claimant, 0, &[family])?;
    Ok(())
}

fn key(number: u32) -> ObjectKey {
    ObjectKey {
        namespace: "default".to_owned(),
        name: format!("service-{number}"),
    }
}
