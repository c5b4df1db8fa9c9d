//! What the reconciler keeps of one Service. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::action::{Action, Notice, ServiceNotice, StatusWrite};
use super::waits::Place;
use crate::decide::{ConditionChange, Decision, Refusal, Released};
use crate::service::{ConditionStatus, ServiceView};

/// One Service of type `LoadBalancer`, or one whose status still has addresses.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) view: ServiceView,
    /// Whether a status write is in flight; until it ends nothing is decided.
    writing: bool,
    /// Addresses of writes from this version whose outcome is unknown: a status may
    /// show them already, so no other Service may have them. A new version settles
    /// that: it shows what was written, and the API server refuses the rest.
    unconfirmed: Vec<IpAddr>,
    /// Addresses written that no version has shown yet; the Event follows when one
    /// does, through the watch or in answer to the write.
    pending: Vec<IpAddr>,
    /// Failed writes in a row.
    failures: u32,
    /// What was reported last, so that it is not repeated.
    refused: Option<Refusal>,
    released: Vec<Released>,
    conflicts: BTreeMap<IpAddr, String>,
}

/// What the status of a Service should be, and what to report.
#[derive(Debug)]
pub(super) struct Desired {
    pub(super) decision: Decision,
    /// The change of the condition `Announced`.
    pub(super) announced: ConditionChange,
    /// The addresses that the user requests and another host uses, with that host's
    /// hardware address.
    pub(super) conflicts: BTreeMap<IpAddr, String>,
}

impl Entry {
    pub(super) fn new(view: ServiceView) -> Self {
        Self {
            view,
            writing: false,
            unconfirmed: Vec::new(),
            pending: Vec::new(),
            failures: 0,
            refused: None,
            released: Vec::new(),
            conflicts: BTreeMap::new(),
        }
    }

    /// Stores a version that is not older; whether it is the first to show the
    /// addresses that were written.
    pub(super) fn update(&mut self, view: ServiceView) -> bool {
        if self.view.version != view.version {
            self.unconfirmed.clear();
        }
        self.view = view;
        let shown = self.pending.iter().all(|ip| self.view.status.contains(ip));
        shown && !std::mem::take(&mut self.pending).is_empty()
    }

    /// Whether `view` is an older version of the same Service. The answer to a
    /// write may overtake the watch, which must not undo it.
    pub(super) fn is_newer_than(&self, view: &ServiceView) -> bool {
        let versions = self.view.version_number().zip(view.version_number());
        self.view.uid == view.uid && versions.is_some_and(|(known, other)| known > other)
    }

    /// The Service by age.
    pub(super) fn place(&self) -> Place {
        (self.view.created, self.view.key.clone())
    }

    /// Whether nothing is being written, so that it can be decided upon.
    pub(super) fn is_idle(&self) -> bool {
        !self.writing
    }

    /// The addresses that its status shows or may show.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        [&self.view.status[..], &self.unconfirmed].concat()
    }

    /// Addresses that its status may show by a write of unknown outcome.
    pub(super) fn unconfirmed(&self) -> &[IpAddr] {
        &self.unconfirmed
    }

    /// Notes that the write in flight has ended.
    pub(super) fn write_ended(&mut self) {
        self.writing = false;
    }

    /// Notes that it succeeded.
    pub(super) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Notes that it failed; how many have failed in a row.
    pub(super) fn fail(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// The write that leads to the desired status, and Events that were not sent
    /// before. A write that only changes the text of a condition is left out unless
    /// `text` is set; whether one was left out.
    pub(super) fn apply(&mut self, desired: Desired, text: bool) -> (Vec<Action>, bool) {
        let mut actions = self.notices(&desired);
        let Desired {
            decision,
            announced,
            conflicts,
        } = desired;
        let urgent = self.is_urgent(&decision);
        let changes = decision.changes_status() || announced != ConditionChange::Keep;
        self.released = decision.released;
        self.refused = decision.refusal;
        self.conflicts = conflicts;
        if changes && (urgent || text) {
            let addresses = decision.write.unwrap_or_else(|| self.view.status.clone());
            let write = self.write(addresses, decision.condition, announced);
            actions.push(Action::Write(write));
        }
        (actions, changes && !urgent && !text)
    }

    /// Whether addresses change, or whether the Service has what it requests.
    fn is_urgent(&self, decision: &Decision) -> bool {
        let observed = self.view.allocated.as_ref().map(|c| c.status);
        let before = observed.unwrap_or(ConditionStatus::True);
        let turns = match &decision.condition {
            ConditionChange::Keep => false,
            ConditionChange::Remove => true,
            ConditionChange::Set(condition) => condition.status != before,
        };
        turns || decision.write.is_some()
    }

    fn notices(&self, desired: &Desired) -> Vec<Action> {
        let decision = &desired.decision;
        let released = decision.released.iter();
        let released = released.filter(|released| !self.released.contains(released));
        let released = released.map(|released| Notice::Released(released.clone()));
        let refusal = decision.refusal.iter();
        let refusal = refusal.filter(|_| self.refused != decision.refusal);
        let refusal = refusal.map(|refusal| Notice::Refused(refusal.clone()));
        let conflicts = desired.conflicts.iter();
        let conflicts = conflicts.filter(|(ip, mac)| self.conflicts.get(*ip) != Some(*mac));
        let conflicts = conflicts.map(|(ip, mac)| Notice::Conflict {
            ip: *ip,
            mac: mac.clone(),
        });
        let notices = released.chain(refusal).chain(conflicts);
        notices.map(|notice| self.notice(notice)).collect()
    }

    /// The reason why it is refused.
    pub(super) fn refused_for(&self) -> Option<&'static str> {
        self.refused.as_ref().map(Refusal::reason)
    }

    /// Why it is refused.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    fn write(
        &mut self,
        addresses: Vec<IpAddr>,
        allocated: ConditionChange,
        announced: ConditionChange,
    ) -> StatusWrite {
        self.writing = true;
        self.unconfirmed.extend(&addresses);
        let new = addresses.iter().filter(|ip| !self.view.status.contains(ip));
        self.pending = new.copied().collect();
        StatusWrite {
            key: self.view.key.clone(),
            uid: self.view.uid.clone(),
            version: self.view.version.clone(),
            addresses,
            allocated,
            observed_allocated: self.view.allocated.clone(),
            announced,
            observed_announced: self.view.announced.clone(),
        }
    }

    /// An Event about the Service.
    pub(super) fn notice(&self, notice: Notice) -> Action {
        Action::NotifyService(ServiceNotice {
            key: self.view.key.clone(),
            uid: self.view.uid.clone(),
            notice,
        })
    }
}
