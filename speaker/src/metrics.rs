//! The speaker's metrics.

use std::sync::Arc;

use ferrolb_runtime::metrics::{Metrics, MetricsError};
use prometheus::{Counter, Histogram, IntCounter, IntCounterVec, IntGauge};

use crate::gossip::{DropReason, GossipCounters};
use crate::layer2::io::counters::{FrameCounters, WireCounters};

/// Bounds of the failover histogram, in seconds.
const FAILOVER_BUCKETS: &[f64] = &[
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0,
];

/// What the engine counts.
#[derive(Debug, Clone)]
pub struct SpeakerMetrics {
    /// IPs this node answers for.
    pub owned: IntGauge,
    /// IPs wanted in the cluster.
    pub wanted: IntGauge,
    /// Live gossip members, this node included.
    pub members: IntGauge,
    /// IPs taken over, by cause.
    pub takeovers: IntCounterVec,
    /// IPs withdrawn.
    pub withdrawals: IntCounter,
    /// Times a stranger answered for an IP of ours.
    pub conflicts: IntCounter,
    /// Times this node stood still for too long and muted itself.
    pub stalls: IntCounter,
    /// Seconds for which it did not answer because of that; where it owned IPs,
    /// those included for which it asked the wire before it answered again.
    pub mute: Counter,
    /// Kubernetes Events, by what became of them.
    pub events: IntCounterVec,
    /// Members that fell silent, by where.
    pub suspicions: IntCounterVec,
    /// What came of asking the wire for an IP, by outcome.
    pub verdicts: IntCounterVec,
    /// Seconds from the old owner's last sign of life to the first announcement.
    pub failover: Histogram,
}

impl SpeakerMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            owned: metrics.gauge("ferrolb_speaker_owned_ips", "IPs this node answers for")?,
            wanted: metrics.gauge(
                "ferrolb_speaker_wanted_ips",
                "IPs that Services want announced by some node",
            )?,
            members: metrics.gauge(
                "ferrolb_speaker_gossip_members",
                "Live members of the gossip cluster, this node included",
            )?,
            takeovers: metrics.counters(
                "ferrolb_speaker_takeovers_total",
                "IPs this node took over, by cause",
                &["cause"],
            )?,
            withdrawals: metrics.counter(
                "ferrolb_speaker_withdrawals_total",
                "IPs this node stopped answering for",
            )?,
            conflicts: metrics.counter(
                "ferrolb_speaker_conflicts_total",
                "Frames in which a machine that is no speaker claimed an IP of ours",
            )?,
            stalls: metrics.counter(
                "ferrolb_speaker_stalls_total",
                "Times this process stood still for over half the detection time and muted itself",
            )?,
            mute: metrics.float_counter(
                "ferrolb_speaker_mute_seconds_total",
                "Seconds for which this node did not answer because it could not vouch for itself, or asked the wire afterwards whether its IPs are still its own",
            )?,
            events: metrics.counters(
                "ferrolb_speaker_events_total",
                "Kubernetes Events, by what became of them",
                &["outcome"],
            )?,
            suspicions: metrics.counters(
                "ferrolb_speaker_suspicions_total",
                "Times another member fell silent, in gossip or on the wire",
                &["where"],
            )?,
            verdicts: metrics.counters(
                "ferrolb_speaker_verdicts_total",
                "What came of asking the wire for an IP: answered, or silent and taken over",
                &["outcome"],
            )?,
            failover: metrics.histogram(
                "ferrolb_speaker_failover_seconds",
                "Seconds from the last sign of life of a lost owner to this node's first announcement",
                FAILOVER_BUCKETS,
            )?,
        })
    }
}

/// Shows what the responder's thread counts.
///
/// # Errors
/// When a name is taken.
pub fn observe_wire(metrics: &Metrics, wire: Arc<WireCounters>) -> Result<(), MetricsError> {
    let arp = wire.clone();
    metrics.observed(
        "ferrolb_speaker_arp_frames_total",
        "ARP frames, by what became of them",
        "kind",
        move || kinds(&arp.arp, ["request", "answer", "probe", "gratuitous"]),
    )?;
    let ndp_kinds = ["solicitation", "advertisement", "probe", "unsolicited"];
    metrics.observed(
        "ferrolb_speaker_ndp_frames_total",
        "IPv6 neighbour discovery frames, by what became of them",
        "kind",
        move || kinds(&wire.ndp, ndp_kinds),
    )
}

/// Each family has its own words for a question heard, an answer given, a
/// question put and an announcement.
fn kinds(counters: &FrameCounters, words: [&'static str; 4]) -> Vec<(&'static str, u64)> {
    let [heard, answered, asked, announced] = words;
    vec![
        (heard, counters.requests.get()),
        (answered, counters.answers.get()),
        (asked, counters.probes_sent.get()),
        (announced, counters.announcements_sent.get()),
        ("dropped_mute", counters.dropped_mute.get()),
        ("malformed", counters.malformed.get()),
        ("send_error", counters.send_errors.get()),
    ]
}

/// Shows what gossip counts.
///
/// # Errors
/// When a name is taken.
pub fn observe_gossip(metrics: &Metrics, gossip: Arc<GossipCounters>) -> Result<(), MetricsError> {
    let refused = gossip.clone();
    metrics.observed(
        "ferrolb_speaker_gossip_refused_total",
        "Gossip datagrams dropped unread, by reason",
        "reason",
        move || {
            DropReason::ALL
                .map(|reason| (reason.label(), refused.dropped(reason)))
                .to_vec()
        },
    )?;
    let bytes = gossip.clone();
    metrics.observed(
        "ferrolb_speaker_gossip_bytes_total",
        "UDP payload bytes of the gossip",
        "direction",
        move || {
            vec![
                ("sent", bytes.bytes_sent()),
                ("received", bytes.bytes_received()),
            ]
        },
    )?;
    metrics.observed(
        "ferrolb_speaker_gossip_datagrams_total",
        "Gossip datagrams, by what became of them",
        "kind",
        move || {
            vec![
                ("sent", gossip.datagrams_sent()),
                ("received", gossip.datagrams_received()),
                ("send_error", gossip.send_errors()),
                ("receive_error", gossip.receive_errors()),
            ]
        },
    )
}
