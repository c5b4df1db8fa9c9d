//! Telling the cluster: Events and testimonies. Both are made after everything
//! on the wire is done, and written by tasks that nothing waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_runtime::kube::events::EventSender;
use tokio::sync::watch;

use super::Engine;
use crate::layer2::election::Action;
use crate::report::events;
use crate::report::l2_status::{L2StatusInputs, L2Statuses, PreviousOwners, l2_statuses};

/// L2Statuses are made this often at most.
const TESTIMONY_GAP: Duration = Duration::from_millis(100);

/// What the engine has to tell, and to whom.
pub struct Reporter {
    events: EventSender,
    testimonies: watch::Sender<Arc<L2Statuses>>,
    predecessors: PreviousOwners,
    /// Actions worth an Event.
    news: Vec<Action>,
    /// The IPs whose Services were told that they have no common node.
    at_odds: BTreeSet<IpAddr>,
    /// Something may have changed since the last testimonies.
    stale: bool,
    not_before: Option<Instant>,
}

impl Reporter {
    /// Tells through these.
    #[must_use]
    pub fn new(events: EventSender, testimonies: watch::Sender<Arc<L2Statuses>>) -> Self {
        Self {
            events,
            testimonies,
            predecessors: PreviousOwners::default(),
            news: Vec::new(),
            at_odds: BTreeSet::new(),
            stale: false,
            not_before: None,
        }
    }

    /// Remembers an action, to tell of it later.
    pub(super) fn heed(&mut self, action: &Action) {
        self.predecessors.note(action);
        self.news.push(action.clone());
    }

    /// Something may have changed.
    pub(super) fn stale(&mut self) {
        self.stale = true;
    }

    /// This node answers for nothing any more.
    pub(super) fn leave(&self) {
        self.testimonies.send_replace(Arc::default());
    }
}

impl Engine {
    /// Tells what there is to tell; the last thing in a turn.
    pub(super) fn report(&mut self, now: Instant) {
        self.tell_news();
        let early = self.reporter.not_before.is_some_and(|gate| now < gate);
        if early || !std::mem::take(&mut self.reporter.stale) {
            return;
        }
        self.reporter.not_before = Some(now + TESTIMONY_GAP);
        self.tell_odds();
        let services = |ip| self.eligibility.services_of(ip).map(|one| one.key.clone());
        let evidence = L2StatusInputs {
            node: &self.node,
            answering: self.conduct.answering(),
            claims: &self.conduct.claims().collect(),
            conflicts: &self.conduct.conflicts().collect::<BTreeMap<_, _>>(),
            links: self.conduct.links(),
            predecessors: &self.reporter.predecessors,
        };
        let said = l2_statuses(&evidence, |ip| services(ip).collect());
        self.reporter.testimonies.send_if_modified(|known| {
            let changed = **known != said;
            if changed {
                *known = Arc::new(said);
            }
            changed
        });
    }

    fn tell_news(&mut self) {
        for action in std::mem::take(&mut self.reporter.news) {
            let ip = match &action {
                Action::TakeOver { ip, .. }
                | Action::Withdraw { ip, .. }
                | Action::Conflict { ip, .. } => *ip,
                Action::Ask { .. } | Action::Announce { .. } => continue,
            };
            for service in self.eligibility.services_of(ip) {
                if let Some(news) = events::of_action(&action, &self.node, service) {
                    self.reporter.events.send(news);
                }
            }
        }
    }

    /// Every speaker sees it and logs it; one of them writes the Events.
    fn tell_odds(&mut self) {
        let wanted = self.eligibility.desired().iter();
        let now: BTreeSet<IpAddr> = wanted
            .filter(|(_, wanted)| wanted.no_common_node)
            .map(|(ip, _)| *ip)
            .collect();
        for ip in now.difference(&self.reporter.at_odds) {
            let names = self.services(*ip);
            tracing::warn!(%ip, services = names, "nobody announces it: the Services that share it have no node in common");
            if !self.conduct.is_first() {
                continue;
            }
            let all: Vec<String> = names.split(',').map(str::to_owned).collect();
            for service in self.eligibility.services_of(*ip) {
                self.reporter
                    .events
                    .send(events::at_odds(*ip, service, &all));
            }
        }
        self.reporter.at_odds = now;
    }
}
