//! The reconciler's part in announcements: from what speakers say to the
//! condition `Announced`, to addresses taken back because a stranger uses them,
//! and to objects that a dead speaker left behind.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::key::ObjectKey;

use super::action::{Action, BackgroundWrite};
use super::announcements::{Announcement, AnnouncementState};
use super::entry::Entry;
use super::{Announcements, Reconciler};
use crate::decide::{ConditionChange, Decision, asks_for, is_ours};
use crate::service::ConditionStatus::{False, True, Unknown};
use crate::service::{Condition, ServiceView};

/// How long silence about an address must last before its owner is told: a
/// fresh one is not announced yet, and a new owner may speak up a moment after
/// the last one fell silent.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// How long an address that a stranger uses is given to nobody.
pub(super) const QUARANTINE: Duration = Duration::from_secs(600);

impl Reconciler {
    /// These are all announcements there are.
    pub fn announcements_listed(&mut self, all: Vec<Announcement>) {
        let names: BTreeSet<String> = all.iter().map(|said| said.name.clone()).collect();
        for name in self.announcements.others(&names) {
            self.announcement_gone(&name);
        }
        self.announcements.listed = true;
        for announcement in all {
            self.announcement_changed(announcement);
        }
        // Those of whom nothing is said.
        let keys: Vec<_> = self.services.keys().cloned().collect();
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// A speaker says this now.
    pub fn announcement_changed(&mut self, announcement: Announcement) {
        for key in self.announcements.put(announcement) {
            self.announcements_changed(&key);
        }
    }

    /// A speaker says this no more.
    pub fn announcement_gone(&mut self, name: &str) {
        if let Some(key) = self.announcements.remove(name) {
            self.announcements_changed(&key);
        }
    }

    fn announcements_changed(&mut self, key: &ObjectKey) {
        self.reconcile(key);
        self.weigh(key);
    }

    /// Notes which objects about a Service speak of addresses it does not have.
    pub(super) fn weigh(&mut self, key: &ObjectKey) {
        if !self.active {
            return;
        }
        let entry = self.services.get(key);
        let ips = entry.map(|entry| [&entry.view.status[..], &entry.doubtful].concat());
        let ips = ips.unwrap_or_default();
        self.announcements.weigh(key, &ips, self.now);
    }

    /// Puts the addresses of a Service that a stranger uses into quarantine,
    /// unless the user wants them; who else holds them.
    pub(super) fn quarantine_conflicts(&mut self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let Some(entry) = self.services.get(key).filter(|_| self.active) else {
            return BTreeSet::new();
        };
        let view = &entry.view;
        let unwanted = view.status.iter().filter(|ip| !asks_for(view, **ip));
        let ours = unwanted.filter(|ip| self.allocator.pool_of(**ip).is_some());
        let strangers = ours.filter_map(|ip| {
            let (mac, _) = self.announcements.stranger(key, *ip)?;
            Some((*ip, mac.to_owned()))
        });
        let strangers: Vec<_> = strangers
            .filter(|(ip, _)| self.allocator.stranger(*ip).is_none())
            .collect();
        let mut others = BTreeSet::new();
        for (ip, mac) in strangers {
            others.extend(self.allocator.quarantine(ip, mac));
            self.quarantine.insert(ip, self.now + QUARANTINE);
        }
        others.remove(key);
        others
    }

    /// What time brings: quarantines end, silence has lasted, objects were left
    /// behind.
    pub(super) fn on_timer(&mut self) {
        let quarantined = std::mem::take(&mut self.quarantine).into_iter();
        for (ip, until) in quarantined {
            if until > self.now {
                self.quarantine.insert(ip, until);
            } else {
                self.allocator.readmit(ip);
            }
        }
        while let Some((due, key)) = self.alarms.pop_first() {
            if due > self.now {
                self.alarms.insert((due, key));
                break;
            }
            self.reconcile(&key);
        }
        if self.active {
            let left = self.announcements.left_behind(self.now);
            let sweep = |said: &Announcement| BackgroundWrite::DeleteOrphan {
                name: said.name.clone(),
                uid: said.uid.clone(),
                version: said.version.clone(),
            };
            let chores = left.into_iter().map(sweep).map(Action::Background);
            self.actions.extend(chores);
        }
    }
}

impl Announcements {
    /// What the condition `Announced` should say from now on, given what was
    /// decided about the addresses. Notes in the entry since when there is
    /// silence.
    pub(super) fn say(
        &self,
        entry: &mut Entry,
        class: Option<&str>,
        decision: &Decision,
        now: Duration,
    ) -> ConditionChange {
        let view = &entry.view;
        let silent = entry.silent.take();
        let others = view.load_balancer && !is_ours(view, class);
        if view.deleting || others {
            return ConditionChange::Keep;
        }
        let addresses = decision.write.as_ref().unwrap_or(&view.status);
        let gone = !view.load_balancer || addresses.is_empty();
        // What it says for lack of news must be about the addresses it has.
        let as_before = match &view.announced {
            Some(shown) if gone || !speaks_of(&shown.message, addresses) => ConditionChange::Remove,
            _ => ConditionChange::Keep,
        };
        if gone || !self.listed {
            return as_before;
        }
        let shown = view.announced.as_ref();
        let (status, reason, message) = match self.state_of(&view.key, addresses) {
            AnnouncementState::Announced(text) if self.still_doubts(shown, &text) => {
                return ConditionChange::Keep;
            }
            AnnouncementState::Announced(text) => (True, "Announced", text),
            AnnouncementState::NodeNotReady(text) => (Unknown, "NodeNotReady", text),
            AnnouncementState::Conflict(text) => (False, "AddressConflict", text),
            AnnouncementState::Unannounced(text) => {
                let silent = silent.filter(|(ips, _)| ips == addresses);
                let (ips, since) = silent.unwrap_or_else(|| (addresses.clone(), now));
                entry.silent = Some((ips, since));
                if since + GRACE > now {
                    return as_before;
                }
                (False, "NotAnnounced", text)
            }
        };
        let condition = Condition {
            status,
            reason,
            message,
        };
        let said = shown.is_some_and(|c| c.says(&condition));
        if said {
            ConditionChange::Keep
        } else {
            ConditionChange::Set(condition)
        }
    }

    /// The addresses of a Service that its user wants and a stranger uses, with
    /// the stranger's hardware address.
    pub(super) fn requested_conflicts(&self, view: &ServiceView) -> BTreeSet<(IpAddr, String)> {
        let wanted = view.status.iter().filter(|ip| asks_for(view, **ip));
        let strangers = wanted.filter_map(|ip| {
            let (mac, _) = self.stranger(&view.key, *ip)?;
            Some((*ip, mac.to_owned()))
        });
        strangers.collect()
    }
}

/// Whether the words of a condition name exactly these addresses.
fn speaks_of(message: &str, addresses: &[IpAddr]) -> bool {
    let words = message.split_whitespace();
    let named = words.filter_map(|word| word.parse::<IpAddr>().ok());
    named.eq(addresses.iter().copied())
}
