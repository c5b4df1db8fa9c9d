//! The controller's metrics. They show what is, not what is desired: a follower
//! counts no addresses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ferrolb_core::range::Family;
use ferrolb_runtime::kube::events;
use ferrolb_runtime::metrics::{Metrics, MetricsError};
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

use crate::allocator::Usage;
use crate::decide::REASONS;

/// How a status write ended; the label `result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteResult {
    /// The API server has it.
    Done,
    /// The object had changed meanwhile.
    Outdated,
    /// It failed, or it is unknown whether it did.
    Failed,
}

impl WriteResult {
    const ALL: [Self; 3] = [Self::Done, Self::Outdated, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Outdated => "outdated",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of one controller.
#[derive(Debug)]
pub struct ControllerMetrics {
    /// 1 while this replica holds the lease.
    pub leader: IntGauge,
    /// 1 once a valid configuration has been read.
    pub config_loaded: IntGauge,
    /// Errors in the latest configuration; while this is not 0 the last accepted
    /// one stays active.
    pub config_faults: IntGauge,
    /// Services that wait for an address to be released.
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
        let refused = registry.gauges(
            "ferrolb_controller_services_refused",
            "Services that do not have what they request, by reason",
            &["reason"],
        )?;
        for reason in REASONS {
            refused.with_label_values(&[reason]).set(0);
        }
        let pool = |name, help| registry.gauges(name, help, &["pool", "family"]);
        Ok(Self {
            leader: registry.gauge(
                "ferrolb_controller_leader",
                "1 while this replica holds the Lease",
            )?,
            config_loaded: registry.gauge(
                "ferrolb_controller_config_loaded",
                "1 once a valid configuration has been read",
            )?,
            config_faults: registry.gauge(
                "ferrolb_controller_config_faults",
                "Errors in the latest configuration; while not 0 the last accepted one stays active",
            )?,
            services_waiting: registry.gauge(
                "ferrolb_controller_services_waiting",
                "Services that wait for an address to be released",
            )?,
            refused,
            writes: registry.counters(
                "ferrolb_controller_status_writes_total",
                "Service status writes, by result",
                "result",
                &WriteResult::ALL.map(WriteResult::label),
            )?,
            events: registry.counters(
                "ferrolb_controller_events_total",
                "Kubernetes Events, by result",
                "result",
                &events::Outcome::ALL.map(events::Outcome::label),
            )?,
            total: pool(
                "ferrolb_controller_pool_addresses",
                "Addresses in a pool",
            )?,
            used: pool(
                "ferrolb_controller_pool_addresses_used",
                "Addresses of a pool that Services hold",
            )?,
            free: pool(
                "ferrolb_controller_pool_addresses_free",
                "Addresses of a pool that are free",
            )?,
            withheld: pool(
                "ferrolb_controller_pool_addresses_withheld",
                "Addresses of a pool that are not assigned because another host uses them",
            )?,
            pools: Mutex::default(),
        })
    }

    /// Counts a status write.
    pub fn write_ended(&self, result: WriteResult) {
        self.writes.with_label_values(&[result.label()]).inc();
    }

    /// Counts an Event.
    pub fn event_ended(&self, outcome: events::Outcome) {
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

    /// Sets how full the pools are; series of pools that no longer exist are removed.
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
