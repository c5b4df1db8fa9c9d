//! What `/state` shows of the speaker.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ferrolb_api::views::{IpView, MemberView, SpeakerState};
use ferrolb_core::ineligible::Unannounced;
use ferrolb_core::key::NodeName;
use ferrolb_runtime::state_page::StateRequest;

use super::Engine;
use super::report::ReportSources;
use crate::eligibility::DesiredIp;
use crate::report::unannounced::ReasonSources;

/// A state is shown for this long: anybody who reaches the port can request it,
/// and making one takes time in which the engine does nothing else.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The state that was shown last.
#[derive(Debug, Default)]
pub(super) struct StateCache(Option<(Instant, SpeakerState)>);

impl Engine {
    pub(super) fn answer_state(&mut self, request: StateRequest<SpeakerState>) {
        let now = Instant::now();
        let kept = self.state.0.take();
        let kept = kept.filter(|(made, _)| now - *made < MAX_AGE);
        let (made, state) = kept.unwrap_or_else(|| (now, self.state()));
        // Whoever requested it may have gone.
        let _ = request.send(state.clone());
        self.state.0 = Some((made, state));
    }

    fn state(&self) -> SpeakerState {
        let snapshot = self.agent.snapshot();
        let others = snapshot.input.others.iter();
        let members = others.map(|(node, member)| MemberView {
            node: node.clone(),
            alive: member.alive,
        });
        let report = ReportSources {
            cluster: &self.cluster,
            agent: &self.agent,
            links: &self.links,
            metrics: &self.recorder.metrics,
        };
        let node = self.reporter.node();
        let reasons = report.reasons(node);
        let answering = self.agent.answering();
        let desired = self.cluster.eligibility.last_desired().iter();
        let shown =
            desired.filter(|(ip, _)| answering.contains_key(*ip) || reasons.has_no_candidate(**ip));
        SpeakerState {
            node: node.clone(),
            settled: self.agent.is_settled(),
            members: members.collect(),
            links: self.links.views(self.agent.links()),
            ips: shown
                .map(|(ip, desired)| self.ip(*ip, desired, &reasons))
                .collect(),
        }
    }

    fn ip(&self, ip: IpAddr, desired: &DesiredIp, reasons: &ReasonSources<'_>) -> IpView {
        let ineligible = reasons.ineligible(ip, desired);
        let unannounced = reasons
            .has_no_candidate(ip)
            .then(|| Unannounced::new(&ineligible, desired.no_common_node));
        IpView {
            ip,
            services: self.cluster.services_of(ip),
            owner: self.owner(ip),
            reason: unannounced.map(|why| why.reason),
            ineligible,
        }
    }

    /// The node that announces an IP, as far as this one knows.
    fn owner(&self, ip: IpAddr) -> Option<NodeName> {
        if self.agent.answering().contains_key(&ip) {
            return Some(self.reporter.node().clone());
        }
        let others = self.agent.snapshot().input.others.iter();
        let claims = others.filter(|(_, member)| member.alive);
        let claims = claims.filter_map(|(node, member)| Some((member.claims.get(&ip)?, node)));
        claims.max().map(|(_, node)| node.clone())
    }
}
