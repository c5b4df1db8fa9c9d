//! A registry of Prometheus metrics, with one short way to add each kind, and the list
//! from which `docs/metrics.md` is generated. Names begin with `ferrolb_`, those of the
//! process with `process_`; label values come from fixed sets, whose series exist from
//! the start, or from objects whose series are removed with the object.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{
    Counter, Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

pub use prometheus::Error as MetricsError;

/// The commit this was built from, given to the compiler by whoever builds.
const COMMIT: Option<&str> = option_env!("FERROLB_COMMIT");

/// A program's metrics.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    registry: Registry,
    described: Arc<Mutex<Vec<Description>>>,
}

/// What a metric counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Description {
    /// The full name.
    pub name: String,
    /// counter, gauge or histogram.
    pub kind: &'static str,
    /// The help text.
    pub help: String,
    /// The labels, each with the values that its series have now.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl Metrics {
    /// A registry with the metrics of every program: `ferrolb_build_info`, and
    /// `process_*` as far as `/proc` shows them.
    ///
    /// # Errors
    /// Never for a new registry; names are registered once.
    pub fn for_program() -> Result<Self, MetricsError> {
        let metrics = Self::default();
        let build = metrics.gauges(
            "ferrolb_build_info",
            "Version and commit of this program; the value is always 1",
            &["version", "commit"],
        )?;
        let commit = COMMIT.unwrap_or("unknown");
        let labels = [env!("CARGO_PKG_VERSION"), commit];
        build.with_label_values(&labels).set(1);
        let process = ProcessCollector::for_self();
        metrics.registry.register(Box::new(process))?;
        Ok(metrics)
    }

    /// Registers a counter.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        let metric = IntCounter::new(name, help)?;
        self.add("counter", metric)
    }

    /// Registers a counter of fractions, such as seconds.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn float_counter(&self, name: &str, help: &str) -> Result<Counter, MetricsError> {
        let metric = Counter::new(name, help)?;
        self.add("counter", metric)
    }

    /// Registers a counter with one label, whose series begin at 0.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn counters(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: &[&str],
    ) -> Result<IntCounterVec, MetricsError> {
        let metric = IntCounterVec::new(Opts::new(name, help), &[label])?;
        for value in values {
            metric.with_label_values(&[value]).reset();
        }
        self.add("counter", metric)
    }

    /// Registers a gauge.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        let metric = IntGauge::new(name, help)?;
        self.add("gauge", metric)
    }

    /// Registers a gauge with labels.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, MetricsError> {
        let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.add("gauge", metric)
    }

    /// Registers a histogram with the given bucket bounds.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let metric = Histogram::with_opts(options)?;
        self.add("histogram", metric)
    }

    /// Registers a counter that is kept elsewhere, such as in atomics of a thread
    /// that must not be slowed down: `read` returns the value of each label when
    /// the metrics are rendered.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn observed(
        &self,
        name: &str,
        help: &str,
        label: &str,
        read: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
        let observed = Observed {
            counters,
            read: Arc::new(read),
        };
        self.add("counter", observed).map(drop)
    }

    fn add<C: Collector + Clone + 'static>(
        &self,
        kind: &'static str,
        metric: C,
    ) -> Result<C, MetricsError> {
        self.registry.register(Box::new(metric.clone()))?;
        let described = metric.desc().into_iter().map(|desc| Description {
            name: desc.fq_name.clone(),
            kind,
            help: desc.help.clone(),
            labels: desc
                .variable_labels
                .iter()
                .map(|label| (label.clone(), Vec::new()))
                .collect(),
        });
        let mut all = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.extend(described);
        Ok(metric)
    }

    /// What is registered, by name; label values as far as there are series.
    #[must_use]
    pub fn described(&self) -> Vec<Description> {
        let described = self.described.lock();
        let mut all = described.unwrap_or_else(PoisonError::into_inner).clone();
        for family in self.registry.gather() {
            match all.iter_mut().find(|metric| metric.name == family.name()) {
                Some(metric) => metric.add_values(&family),
                // Those of the process.
                None => all.push(Description::of(&family)),
            }
        }
        all.sort();
        all
    }

    /// All metrics in the Prometheus text format.
    ///
    /// # Errors
    /// When a collector returns something that cannot be encoded.
    pub fn render(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

impl Description {
    /// A metric without labels, from its only series.
    fn of(family: &MetricFamily) -> Self {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            _ => "gauge",
        };
        Self {
            name: family.name().to_owned(),
            kind,
            help: family.help().to_owned(),
            labels: BTreeMap::new(),
        }
    }

    fn add_values(&mut self, family: &MetricFamily) {
        for pair in family
            .get_metric()
            .iter()
            .flat_map(|series| series.get_label())
        {
            if let Some(values) = self.labels.get_mut(pair.name())
                && !values.iter().any(|value| value == pair.value())
            {
                values.push(pair.value().to_owned());
            }
        }
    }
}

/// A counter whose values are read when they are collected.
#[derive(Clone)]
struct Observed {
    counters: IntCounterVec,
    read: Arc<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>,
}

impl Collector for Observed {
    fn desc(&self) -> Vec<&Desc> {
        self.counters.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.counters.reset();
        for (label, value) in (self.read)() {
            self.counters.with_label_values(&[label]).inc_by(value);
        }
        self.counters.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn every_program_has_its_build_and_its_process() {
        let metrics = Metrics::for_program().unwrap();
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        let build = format!("version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&build), "{text}");
        for name in [
            "resident_memory_bytes",
            "cpu_seconds_total",
            "open_fds",
            "start_time_seconds",
        ] {
            assert!(text.contains(&format!("process_{name} ")), "{name}: {text}");
        }
    }

    #[test]
    fn an_observed_counter_shows_the_value_of_the_moment() {
        let metrics = Metrics::default();
        metrics
            .observed("ferrolb_test_total", "A test", "kind", || vec![("a", 7)])
            .unwrap();
        for _ in 0..2 {
            let text = String::from_utf8(metrics.render().unwrap()).unwrap();
            assert!(text.contains("ferrolb_test_total{kind=\"a\"} 7"), "{text}");
        }
    }
}
