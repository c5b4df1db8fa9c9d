//! The speaker's metrics.

use std::sync::Arc;

use ferrolb_runtime::metrics::{Metrics, MetricsError};
use prometheus::{IntCounter, IntCounterVec, IntGauge};

use crate::gossip::{GossipCounters, Refusal};
use crate::net::counters::WireCounters;

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
                "ARP frames in which a machine that is no speaker claimed an IP of ours",
            )?,
            stalls: metrics.counter(
                "ferrolb_speaker_stalls_total",
                "Times this process stood still for over half the detection time and muted itself",
            )?,
        })
    }
}

/// Shows what the responder's thread counts.
///
/// # Errors
/// When a name is taken.
pub fn observe_wire(metrics: &Metrics, wire: Arc<WireCounters>) -> Result<(), MetricsError> {
    metrics.observed(
        "ferrolb_speaker_arp_frames_total",
        "ARP frames, by what became of them",
        "kind",
        move || {
            vec![
                ("request", wire.requests.get()),
                ("answer", wire.answers.get()),
                ("probe", wire.probes_sent.get()),
                ("gratuitous", wire.gratuitous_sent.get()),
                ("dropped_mute", wire.dropped_mute.get()),
                ("malformed", wire.malformed.get()),
                ("send_error", wire.send_errors.get()),
            ]
        },
    )
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
            Refusal::ALL
                .map(|reason| (reason.label(), refused.refused(reason)))
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
