//! The controller's metrics. They say what is, not what is wished: a follower
//! counts no addresses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ferrolb_core::range::Family;
use ferrolb_runtime::metrics::{Metrics, MetricsError};
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

use crate::allocator::Usage;
use crate::decide::REASONS;

/// How a status write or an Event ended; the label `result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The API server has it.
    Done,
    /// The object had changed meanwhile.
    Outdated,
    /// It failed, or nobody knows whether it did.
    Failed,
    /// It was never sent, because too many were waiting.
    Dropped,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Outdated => "outdated",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// The metrics of one controller.
#[derive(Debug)]
pub struct ControllerMetrics {
    /// 1 while this replica holds the lease.
    pub leader: IntGauge,
    /// 1 once a good configuration has been seen.
    pub config_loaded: IntGauge,
    /// Faults of the configuration last seen; the last good one is in force
    /// while this is not 0.
    pub config_faults: IntGauge,
    /// Services that another's release could help.
    pub services_waiting: IntGauge,
    refused: IntGaugeVec,
    writes: IntCounterVec,
    events: IntCounterVec,
    total: IntGaugeVec,
    used: IntGaugeVec,
    free: IntGaugeVec,
    withheld: IntGaugeVec,
    pools: Mutex<BTreeMap<(String, Family), Usage>>,
}

impl ControllerMetrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Metrics) -> Result<Self, MetricsError> {
        let pool = ["pool", "family"];
        Ok(Self {
            leader: registry.gauge(
                "ferrolb_controller_leader",
                "1 while this replica holds the lease",
            )?,
            config_loaded: registry.gauge(
                "ferrolb_config_loaded",
                "1 once a good configuration has been seen",
            )?,
            config_faults: registry.gauge(
                "ferrolb_config_faults",
                "Faults of the configuration last seen; while not 0 the last good one is in force",
            )?,
            services_waiting: registry.gauge(
                "ferrolb_services_waiting",
                "Services that wait for an address",
            )?,
            refused: registry.gauges(
                "ferrolb_services_refused",
                "Services that do not have what they ask for, by reason",
                &["reason"],
            )?,
            writes: registry.counters(
                "ferrolb_status_writes_total",
                "Status writes by result",
                &["result"],
            )?,
            events: registry.counters(
                "ferrolb_events_total",
                "Kubernetes Events by result",
                &["result"],
            )?,
            total: registry.gauges(
                "ferrolb_pool_addresses",
                "Addresses a pool may hand out",
                &pool,
            )?,
            used: registry.gauges(
                "ferrolb_pool_addresses_used",
                "Addresses of a pool that are held",
                &pool,
            )?,
            free: registry.gauges(
                "ferrolb_pool_addresses_free",
                "Addresses of a pool that are left",
                &pool,
            )?,
            withheld: registry.gauges(
                "ferrolb_pool_addresses_withheld",
                "Addresses of a pool that nobody is given, because strangers use them",
                &pool,
            )?,
            pools: Mutex::default(),
        })
    }

    /// Counts a status write.
    pub fn write_ended(&self, outcome: Outcome) {
        self.writes.with_label_values(&[outcome.label()]).inc();
    }

    /// Counts an Event.
    pub fn event_ended(&self, outcome: Outcome) {
        self.events.with_label_values(&[outcome.label()]).inc();
    }

    /// Shows how many Services are refused for which reason.
    pub fn refused(&self, counts: &BTreeMap<&'static str, usize>) {
        for reason in REASONS {
            let count = counts.get(reason).copied().unwrap_or_default();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.refused.with_label_values(&[reason]).set(count);
        }
    }

    /// Shows how full the pools are; series of pools that are gone go too.
    pub fn pools<'a>(&self, usage: impl Iterator<Item = (&'a str, Usage)>) {
        let now: BTreeMap<_, _> = usage
            .map(|(pool, usage)| ((pool.to_owned(), usage.family), usage))
            .collect();
        let mut shown = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        for (pool, family) in shown.keys().filter(|place| !now.contains_key(*place)) {
            let labels = [pool.as_str(), family_label(*family)];
            // Nothing to do if a series was never set.
            let _absent = self.total.remove_label_values(&labels);
            let _absent = self.used.remove_label_values(&labels);
            let _absent = self.free.remove_label_values(&labels);
            let _absent = self.withheld.remove_label_values(&labels);
        }
        for ((pool, family), usage) in &now {
            let labels = [pool.as_str(), family_label(*family)];
            self.total
                .with_label_values(&labels)
                .set(clamped(usage.total));
            self.used
                .with_label_values(&labels)
                .set(clamped(usage.used));
            self.free
                .with_label_values(&labels)
                .set(clamped(usage.free()));
            self.withheld
                .with_label_values(&labels)
                .set(clamped(usage.withheld));
        }
        *shown = now;
    }
}

fn family_label(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// A count as far as a gauge can show it.
fn clamped(count: u128) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
