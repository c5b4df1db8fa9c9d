//! What the reconciler remembers of one Service.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::action::{Action, Notice, ServiceNotice, StatusWrite};
use crate::decide::{ConditionChange, Decision, Lost, Refusal};
use crate::service::{ConditionStatus, ServiceView};

/// One Service of type `LoadBalancer`, or one whose status still has addresses.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) view: ServiceView,
    /// Whether a status write is under way; until it ends nothing is decided.
    pub(super) writing: bool,
    /// Addresses of writes from this version whose end is not known: a status
    /// may show them already, so nobody else may have them. A new version ends
    /// the doubt, because it shows what was written, and refuses what was not.
    pub(super) doubtful: Vec<IpAddr>,
    /// Addresses written that no version has shown yet; when one does, by the
    /// watch or in answer to the write, their owner hears of them.
    expected: Vec<IpAddr>,
    /// Writes failed in a row.
    failures: u32,
    /// What its owner was told last, so as not to repeat it.
    refused: Option<Refusal>,
    lost: Vec<Lost>,
    strangers: BTreeSet<(IpAddr, String)>,
    /// The addresses it is to have of which one is announced by nobody, and
    /// since when.
    pub(super) silent: Option<(Vec<IpAddr>, Duration)>,
}

/// What a decision and the announcements amount to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) decision: Decision,
    /// What the condition `Announced` is to say.
    pub(super) announced: ConditionChange,
    /// Strangers that use addresses which the user wants.
    pub(super) strangers: BTreeSet<(IpAddr, String)>,
}

impl Entry {
    pub(super) fn new(view: ServiceView) -> Self {
        Self {
            view,
            writing: false,
            doubtful: Vec::new(),
            expected: Vec::new(),
            failures: 0,
            refused: None,
            lost: Vec::new(),
            strangers: BTreeSet::new(),
            silent: None,
        }
    }

    /// Takes over a version that is not older; whether it is the first to show
    /// addresses that were written.
    pub(super) fn see(&mut self, view: ServiceView) -> bool {
        if self.view.version != view.version {
            self.doubtful.clear();
        }
        self.view = view;
        let shown = self.expected.iter().all(|ip| self.view.status.contains(ip));
        shown && !std::mem::take(&mut self.expected).is_empty()
    }

    /// Whether `view` is an older version of the same Service. The answer to a
    /// write may overtake the watch, and must not be undone by it.
    pub(super) fn is_newer_than(&self, view: &ServiceView) -> bool {
        let versions = self.view.version_number().zip(view.version_number());
        self.view.uid == view.uid && versions.is_some_and(|(known, other)| known > other)
    }

    /// Counts a failed write; how many there are in a row now.
    pub(super) fn fail(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// Carries a decision out: what to write, and what to say that was not
    /// said before. Mere words of conditions are written only if `words` are
    /// asked for; returns whether some are left to be written.
    pub(super) fn apply(&mut self, outcome: Outcome, words: bool) -> (Vec<Action>, bool) {
        let mut actions = self.news(&outcome);
        let Outcome {
            decision,
            announced,
            strangers,
        } = outcome;
        let urgent = self.is_urgent(&decision);
        let changes = decision.changes_status() || announced != ConditionChange::Keep;
        self.lost = decision.lost;
        self.refused = decision.refusal;
        self.strangers = strangers;
        if changes && (urgent || words) {
            let addresses = decision.write.unwrap_or_else(|| self.view.status.clone());
            let write = self.write(addresses, decision.condition, announced);
            actions.push(Action::Write(write));
        }
        (actions, changes && !urgent && !words)
    }

    /// Whether more than words has to be written: addresses, or that the
    /// Service does not have, or has again, what it asks for.
    fn is_urgent(&self, decision: &Decision) -> bool {
        let shown = self.view.condition.as_ref().map(|shown| shown.status);
        let before = shown.unwrap_or(ConditionStatus::True);
        let turns = match &decision.condition {
            ConditionChange::Keep => false,
            ConditionChange::Remove => true,
            ConditionChange::Set(condition) => condition.status != before,
        };
        turns || decision.write.is_some()
    }

    /// What its owner has not heard yet.
    fn news(&self, outcome: &Outcome) -> Vec<Action> {
        let decision = &outcome.decision;
        let lost = decision
            .lost
            .iter()
            .filter(|lost| !self.lost.contains(lost));
        let lost = lost.map(|lost| Notice::Lost(lost.clone()));
        let refusal = decision.refusal.iter();
        let refusal = refusal.filter(|_| self.refused != decision.refusal);
        let refusal = refusal.map(|refusal| Notice::Refused(refusal.clone()));
        let strangers = outcome.strangers.difference(&self.strangers);
        let strangers = strangers.map(|(ip, mac)| Notice::Conflict {
            ip: *ip,
            mac: mac.clone(),
        });
        let notices = lost.chain(refusal).chain(strangers);
        notices.map(|notice| self.tell(notice)).collect()
    }

    /// Why it is refused, in one word.
    pub(super) fn refused_for(&self) -> Option<&'static str> {
        self.refused.as_ref().map(Refusal::reason)
    }

    /// Why it is refused, for people.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// Notes that a write succeeded.
    pub(super) fn succeed(&mut self) {
        self.failures = 0;
    }

    fn write(
        &mut self,
        addresses: Vec<IpAddr>,
        condition: ConditionChange,
        announced: ConditionChange,
    ) -> StatusWrite {
        self.writing = true;
        self.doubtful.extend(&addresses);
        let new = addresses.iter().filter(|ip| !self.view.status.contains(ip));
        self.expected = new.copied().collect();
        StatusWrite {
            key: self.view.key.clone(),
            uid: self.view.uid.clone(),
            version: self.view.version.clone(),
            addresses,
            condition,
            shown: self.view.condition.clone(),
            announced,
            shown_announced: self.view.announced.clone(),
        }
    }

    pub(super) fn tell(&self, notice: Notice) -> Action {
        Action::NotifyService(ServiceNotice {
            key: self.view.key.clone(),
            uid: self.view.uid.clone(),
            notice,
        })
    }
}
