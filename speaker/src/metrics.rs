//! The speaker's metrics.

use std::sync::Arc;

use ferrolb_core::ineligible::UnannouncedReason;
use ferrolb_core::range::Family;
use ferrolb_runtime::kube::events::Outcome;
use ferrolb_runtime::metrics::{Metrics, MetricsError};
use prometheus::{Counter, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::gossip::{DropReason, GossipCounters};
use crate::layer2::election::Cause;
use crate::layer2::io::counters::WireCounters;

/// Bounds of the failover histogram, in seconds.
const FAILOVER_BUCKETS: &[f64] = &[
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0,
];

/// What the engine counts.
#[derive(Debug, Clone)]
pub struct SpeakerMetrics {
    /// IPs this node answers for.
    pub owned: IntGauge,
    /// IPs that should be announced in the cluster.
    pub desired: IntGauge,
    /// IPs that this node reports because no node may announce them, by reason.
    unannounced: IntGaugeVec,
    /// Live gossip members, this node included.
    pub members: IntGauge,
    /// Changes of ownership.
    pub ownership: OwnershipMetrics,
    /// Frames in which another host claimed an IP of ours.
    pub conflicts: IntCounter,
    /// Stalls of this process after which it stopped answering.
    pub stalls: IntCounter,
    /// Seconds for which it did not answer because of that, probing included.
    pub mute: Counter,
    /// Kubernetes Events, by result.
    pub events: IntCounterVec,
    /// Owners that missed a liveness probe.
    pub suspicions: IntCounter,
}

/// What the engine counts when it takes an IP or gives it up.
#[derive(Debug, Clone)]
pub struct OwnershipMetrics {
    /// IPs taken over, by cause.
    pub takeovers: IntCounterVec,
    /// IPs withdrawn.
    pub withdrawals: IntCounter,
    /// IPs probed before a takeover, by result.
    pub probes: IntCounterVec,
    /// Seconds from the old owner's last sign of life to the first announcement.
    pub failover: Histogram,
}

/// What a probe before a takeover found; the label `result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// Another host answered.
    Answered,
    /// Nobody answered, and the IP was taken over.
    Silent,
}

impl ProbeResult {
    const ALL: [Self; 2] = [Self::Answered, Self::Silent];

    /// The result as a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Silent => "silent",
        }
    }
}

impl SpeakerMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let unannounced = metrics.gauges(
            "ferrolb_speaker_unannounced_ips",
            "IPs that no node may announce, by reason; each is counted by one speaker",
            &["reason"],
        )?;
        for reason in UnannouncedReason::ALL {
            unannounced.with_label_values(&[reason.label()]).set(0);
        }
        Ok(Self {
            owned: metrics.gauge(
                "ferrolb_speaker_owned_ips",
                "IPs that this node owns and answers for",
            )?,
            desired: metrics.gauge(
                "ferrolb_speaker_desired_ips",
                "IPs of Services that should be announced in the cluster",
            )?,
            unannounced,
            members: metrics.gauge(
                "ferrolb_speaker_gossip_members",
                "Live members of the gossip cluster, this node included",
            )?,
            ownership: OwnershipMetrics::register(metrics)?,
            conflicts: metrics.counter(
                "ferrolb_speaker_conflicts_total",
                "Frames in which a host that is not a speaker claimed an owned IP",
            )?,
            stalls: metrics.counter(
                "ferrolb_speaker_stalls_total",
                "Stalls of this process longer than half the detection time",
            )?,
            mute: metrics.float_counter(
                "ferrolb_speaker_mute_seconds_total",
                "Seconds without answers after a stall or carrier loss, probing included",
            )?,
            events: metrics.counters(
                "ferrolb_speaker_events_total",
                "Kubernetes Events, by result",
                "result",
                &Outcome::ALL.map(Outcome::label),
            )?,
            suspicions: metrics.counter(
                "ferrolb_speaker_suspicions_total",
                "Times another owner missed a liveness probe on the LAN",
            )?,
        })
    }

    /// How many IPs this node reports because no node may announce them.
    pub fn set_unannounced(&self, reason: UnannouncedReason, ips: usize) {
        let gauge = self.unannounced.with_label_values(&[reason.label()]);
        gauge.set(i64::try_from(ips).unwrap_or(i64::MAX));
    }
}

impl OwnershipMetrics {
    fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            takeovers: metrics.counters(
                "ferrolb_speaker_takeovers_total",
                "IPs that this node took over, by cause",
                "cause",
                &Cause::ALL.map(Cause::label),
            )?,
            withdrawals: metrics.counter(
                "ferrolb_speaker_withdrawals_total",
                "IPs that this node stopped answering for",
            )?,
            probes: metrics.counters(
                "ferrolb_speaker_probe_results_total",
                "IPs probed before a takeover: answered by another host, or silent and taken over",
                "result",
                &ProbeResult::ALL.map(ProbeResult::label),
            )?,
            failover: metrics.histogram(
                "ferrolb_speaker_failover_duration_seconds",
                "Seconds from the last sign of life of a lost owner to the first announcement",
                FAILOVER_BUCKETS,
            )?,
        })
    }
}

/// The names of one protocol's frames in metrics and label values.
struct FrameNames {
    received: &'static str,
    sent: &'static str,
    dropped: &'static str,
    request: &'static str,
    reply: &'static str,
    probe: &'static str,
    announcement: &'static str,
}

const ARP: FrameNames = FrameNames {
    received: "ferrolb_speaker_arp_frames_received_total",
    sent: "ferrolb_speaker_arp_frames_sent_total",
    dropped: "ferrolb_speaker_arp_frames_dropped_total",
    request: "request",
    reply: "reply",
    probe: "probe",
    announcement: "gratuitous",
};

const NDP: FrameNames = FrameNames {
    received: "ferrolb_speaker_ndp_frames_received_total",
    sent: "ferrolb_speaker_ndp_frames_sent_total",
    dropped: "ferrolb_speaker_ndp_frames_dropped_total",
    request: "solicitation",
    reply: "advertisement",
    probe: "solicitation",
    announcement: "unsolicited_advertisement",
};

/// Registers the counters of the responder's thread.
///
/// # Errors
/// When a name is taken.
pub fn observe_wire(metrics: &Metrics, wire: &Arc<WireCounters>) -> Result<(), MetricsError> {
    observe_frames(metrics, wire, Family::V4, &ARP)?;
    observe_frames(metrics, wire, Family::V6, &NDP)
}

fn observe_frames(
    metrics: &Metrics,
    wire: &Arc<WireCounters>,
    family: Family,
    names: &'static FrameNames,
) -> Result<(), MetricsError> {
    let counters = wire.clone();
    metrics.observed(
        names.received,
        "Requests received for owned IPs, by kind",
        "kind",
        move || vec![(names.request, counters.of(family).requests.get())],
    )?;
    let counters = wire.clone();
    metrics.observed(names.sent, "Frames sent, by kind", "kind", move || {
        let counters = counters.of(family);
        vec![
            (names.reply, counters.answers.get()),
            (names.probe, counters.probes_sent.get()),
            (names.announcement, counters.announcements_sent.get()),
        ]
    })?;
    let counters = wire.clone();
    metrics.observed(
        names.dropped,
        "Frames neither answered nor sent, by reason",
        "reason",
        move || {
            let counters = counters.of(family);
            vec![
                ("mute", counters.dropped_mute.get()),
                ("malformed", counters.malformed.get()),
                ("send_error", counters.send_errors.get()),
            ]
        },
    )
}

/// Registers the counters of gossip.
///
/// # Errors
/// When a name is taken.
pub fn observe_gossip(metrics: &Metrics, gossip: &Arc<GossipCounters>) -> Result<(), MetricsError> {
    let counters = gossip.clone();
    metrics.observed(
        "ferrolb_speaker_gossip_datagrams_total",
        "Gossip datagrams, by direction; those received include dropped ones",
        "direction",
        move || {
            vec![
                ("sent", counters.datagrams_sent()),
                ("received", counters.datagrams_received()),
            ]
        },
    )?;
    let counters = gossip.clone();
    metrics.observed(
        "ferrolb_speaker_gossip_bytes_total",
        "UDP payload bytes of gossip, by direction",
        "direction",
        move || {
            vec![
                ("sent", counters.bytes_sent()),
                ("received", counters.bytes_received()),
            ]
        },
    )?;
    let counters = gossip.clone();
    metrics.observed(
        "ferrolb_speaker_gossip_datagrams_dropped_total",
        "Gossip datagrams that were not sent, not received or not accepted, by reason",
        "reason",
        move || {
            let dropped = DropReason::ALL.map(|it| (it.label(), counters.dropped(it)));
            let errors = [
                ("send_error", counters.send_errors()),
                ("receive_error", counters.receive_errors()),
            ];
            dropped.into_iter().chain(errors).collect()
        },
    )
}
