//! A registry of Prometheus metrics, with one short way to add each kind.
//! Names begin with `ferrolb_`, those of the process with `process_`; label values come from fixed sets or from
//! objects whose series are removed when the object goes.

use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
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
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Registers a counter of fractions, such as seconds.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn float_counter(&self, name: &str, help: &str) -> Result<Counter, MetricsError> {
        let metric = Counter::new(name, help)?;
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Registers a counter with labels.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, MetricsError> {
        let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Registers a gauge.
    ///
    /// # Errors
    /// When the name is taken or malformed.
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        let metric = IntGauge::new(name, help)?;
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
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
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
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
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
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
            read: Box::new(read),
        };
        self.registry.register(Box::new(observed))
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

/// A counter whose values are read when they are asked for.
struct Observed {
    counters: IntCounterVec,
    read: Box<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>,
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
