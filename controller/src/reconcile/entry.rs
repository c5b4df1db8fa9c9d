//! What the reconciler remembers of one Service.

use std::net::IpAddr;

use super::action::{Action, Notice, StatusWrite, Told};
use crate::decide::{Decision, Lost, Refusal, Say};
use crate::service::ServiceView;

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
    /// said before.
    pub(super) fn apply(&mut self, decision: Decision) -> Vec<Action> {
        let mut actions = Vec::new();
        let changes = decision.changes_status();
        for lost in decision
            .lost
            .iter()
            .filter(|lost| !self.lost.contains(lost))
        {
            actions.push(self.tell(Notice::Lost(lost.clone())));
        }
        let refusal = decision
            .refusal
            .as_ref()
            .filter(|_| self.refused != decision.refusal);
        actions.extend(refusal.map(|refusal| self.tell(Notice::Refused(refusal.clone()))));
        self.lost = decision.lost;
        self.refused = decision.refusal;
        if changes {
            let addresses = decision.write.unwrap_or_else(|| self.view.status.clone());
            let write = self.write(addresses, decision.condition);
            actions.push(Action::Write(write));
        }
        actions
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

    fn write(&mut self, addresses: Vec<IpAddr>, condition: Say) -> StatusWrite {
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
        }
    }

    pub(super) fn tell(&self, notice: Notice) -> Action {
        Action::Tell(Told {
            key: self.view.key.clone(),
            uid: self.view.uid.clone(),
            notice,
        })
    }
}
