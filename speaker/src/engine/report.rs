//! Reporting to the cluster: Events and status objects. Both are made after all
//! frames of a turn are sent, and written by tasks that nothing waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_core::ineligible::{Unannounced, UnannouncedReason};
use ferrolb_core::key::NodeName;
use ferrolb_runtime::kube::events::EventSender;
use tokio::sync::watch;

use super::cluster::ClusterState;
use super::local_links::LocalLinks;
use crate::layer2::agent::Agent;
use crate::layer2::election::Action;
use crate::metrics::SpeakerMetrics;
use crate::report::events;
use crate::report::l2_status::{L2StatusInputs, L2Statuses, PreviousOwners, l2_statuses};
use crate::report::unannounced::{ReasonSources, UnannouncedIps};

/// Status objects are made this often at most.
const STATUS_GAP: Duration = Duration::from_millis(100);

/// What is to be reported, and the tasks that write it.
pub struct Reporter {
    node: NodeName,
    events: EventSender,
    statuses: watch::Sender<Arc<L2Statuses>>,
    previous_owners: PreviousOwners,
    /// Actions that may be worth an Event.
    actions: Vec<Action>,
    /// The IPs whose Services have been informed that they have no common node.
    no_common_node: BTreeSet<IpAddr>,
    unannounced_ips: UnannouncedIps,
    /// The IPs that this speaker reports because no node may announce them.
    unannounced: BTreeMap<IpAddr, Unannounced>,
    next_unannounced: Option<Instant>,
    /// Something may have changed since the last status objects.
    stale: bool,
    not_before: Option<Instant>,
}

/// What reports are made from.
pub(super) struct ReportSources<'a> {
    pub(super) cluster: &'a ClusterState,
    pub(super) agent: &'a Agent,
    pub(super) links: &'a LocalLinks,
    pub(super) metrics: &'a SpeakerMetrics,
}

impl ReportSources<'_> {
    /// For the reasons why nodes may not announce.
    pub(super) fn reasons<'a>(&'a self, node: &'a str) -> ReasonSources<'a> {
        // A link whose carrier has just returned is not used yet.
        let used = self.agent.links();
        let held_down = self.links.lan_links().into_iter();
        let held_down = held_down.filter(|link| used.iter().all(|it| it.index != link.index));
        let down = self.links.down().iter().cloned().chain(held_down);
        ReasonSources::new(
            node,
            self.cluster.eligibility.nodes(),
            self.agent.snapshot(),
            self.agent.view(),
            down.collect(),
        )
    }
}

impl Reporter {
    /// Reports for `node` through these channels.
    #[must_use]
    pub fn new(
        node: NodeName,
        events: EventSender,
        statuses: watch::Sender<Arc<L2Statuses>>,
    ) -> Self {
        Self {
            node,
            events,
            statuses,
            previous_owners: PreviousOwners::default(),
            actions: Vec::new(),
            no_common_node: BTreeSet::new(),
            unannounced_ips: UnannouncedIps::default(),
            unannounced: BTreeMap::new(),
            next_unannounced: None,
            stale: false,
            not_before: None,
        }
    }

    /// This node.
    pub(super) const fn node(&self) -> &NodeName {
        &self.node
    }

    /// Remembers an action for the next report.
    pub(super) fn action(&mut self, action: &Action) {
        self.previous_owners.note(action);
        self.actions.push(action.clone());
    }

    /// The status objects may have changed.
    pub(super) const fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// This node does not answer for anything any more.
    pub(super) fn leave(&self) {
        self.statuses.send_replace(Arc::default());
    }

    /// Reports everything that is due; the last thing in a turn.
    pub(super) fn report(&mut self, sources: &ReportSources<'_>, now: Instant) {
        self.report_actions(sources.cluster);
        let early = self.not_before.is_some_and(|gate| now < gate);
        self.stale |= self.next_unannounced.is_some_and(|at| at <= now);
        if early || !std::mem::take(&mut self.stale) {
            return;
        }
        self.not_before = Some(now + STATUS_GAP);
        self.report_no_common_node(sources.cluster, sources.agent);
        if sources.agent.is_settled() {
            self.update_unannounced(sources, now);
        }
        self.publish_statuses(sources.cluster, sources.agent);
    }

    /// Which IPs this speaker reports because no node may announce them, and why.
    fn update_unannounced(&mut self, sources: &ReportSources<'_>, now: Instant) {
        let reasons = sources.reasons(&self.node);
        let desired = sources.cluster.eligibility.last_desired();
        let unannounced = self.unannounced_ips.update(desired, &reasons, now);
        self.next_unannounced = self.unannounced_ips.next_report(now);
        for (ip, why) in &unannounced {
            let known = self.unannounced.get(ip);
            if known.is_none_or(|known| known.reason != why.reason) {
                tracing::warn!(
                    %ip, services = sources.cluster.services_of(*ip).join(","),
                    reason = why.reason.as_str(), %why, "not announced: no node may announce this IP"
                );
            }
        }
        for reason in UnannouncedReason::ALL {
            let ips = unannounced.values().filter(|why| why.reason == reason);
            sources.metrics.set_unannounced(reason, ips.count());
        }
        self.unannounced = unannounced;
    }

    fn report_actions(&mut self, cluster: &ClusterState) {
        for action in std::mem::take(&mut self.actions) {
            let ip = match &action {
                Action::TakeOver { ip, .. }
                | Action::Withdraw { ip, .. }
                | Action::Conflict { ip, .. } => *ip,
                Action::Probe { .. } | Action::Announce { .. } => continue,
            };
            for service in cluster.eligibility.services_of(ip) {
                if let Some(note) = events::of_action(&action, &self.node, service) {
                    self.events.send(note);
                }
            }
        }
    }

    /// Every speaker notices and logs it; one of them writes the Events.
    fn report_no_common_node(&mut self, cluster: &ClusterState, agent: &Agent) {
        let desired = cluster.eligibility.last_desired().iter();
        let now: BTreeSet<IpAddr> = desired
            .filter(|(_, desired)| desired.no_common_node)
            .map(|(ip, _)| *ip)
            .collect();
        for ip in now.difference(&self.no_common_node) {
            let services = cluster.services_of(*ip);
            tracing::warn!(
                %ip, services = services.join(","),
                "not announced: the Services that share this IP have no eligible node in common"
            );
            if !agent.snapshot().input.is_first(&self.node) {
                continue;
            }
            for service in cluster.eligibility.services_of(*ip) {
                let note = events::no_common_node(*ip, service, &services);
                self.events.send(note);
            }
        }
        self.no_common_node = now;
    }

    fn publish_statuses(&self, cluster: &ClusterState, agent: &Agent) {
        let inputs = L2StatusInputs {
            node: &self.node,
            answering: agent.answering(),
            claims: &agent.election().claims().collect(),
            conflicts: &agent.election().conflicts().collect::<BTreeMap<_, _>>(),
            links: agent.links(),
            unannounced: &self.unannounced,
            previous_owners: &self.previous_owners,
        };
        let keys = |ip| {
            let services = cluster.eligibility.services_of(ip);
            services.map(|service| service.key.clone()).collect()
        };
        let statuses = l2_statuses(&inputs, keys);
        self.statuses.send_if_modified(|published| {
            let changed = **published != statuses;
            if changed {
                *published = Arc::new(statuses);
            }
            changed
        });
    }
}
