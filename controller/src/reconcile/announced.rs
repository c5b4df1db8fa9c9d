//! The reconciler's part in announcements: from what speakers report to the
//! condition `Announced`, to addresses released because another host uses them,
//! and to objects that a dead speaker left behind. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;

use super::action::{Action, BackgroundWrite};
use super::announcements::{Announcement, AnnouncementState, Announcements, GRACE};
use super::entry::Entry;
use super::services::Services;
use crate::decide::{ConditionChange, Decision, asks_for, is_ours};
use crate::service::ConditionStatus::{False, True, Unknown};
use crate::service::{Condition, ServiceView};

impl Services {
    /// Reports of speakers were listed or one has changed.
    pub(super) fn change_announcements(&mut self, change: Change<Announcement, String>) {
        match change {
            Change::Apply(announcement) => self.put_announcement(announcement),
            Change::Delete(name) => self.remove_announcement(&name),
            Change::Reset(all) => {
                let names = all.iter().map(|report| report.name.clone()).collect();
                for name in self.announcements.others(&names) {
                    self.remove_announcement(&name);
                }
                self.announcements.listed = true;
                all.into_iter().for_each(|it| self.put_announcement(it));
                // Those without any report.
                let keys: Vec<_> = self.entries.keys().cloned().collect();
                keys.iter().for_each(|key| self.reconcile(key));
            }
        }
    }

    fn put_announcement(&mut self, announcement: Announcement) {
        for key in self.announcements.put(announcement) {
            self.announcements_changed(&key);
        }
    }

    fn remove_announcement(&mut self, name: &str) {
        if let Some(key) = self.announcements.remove(name) {
            self.announcements_changed(&key);
        }
    }

    fn announcements_changed(&mut self, key: &ObjectKey) {
        self.reconcile(key);
        self.update_orphan_timer(key);
    }

    /// Nodes were listed, or one became Ready or not Ready.
    pub(super) fn change_nodes(&mut self, change: Change<(String, bool), String>) {
        let keys = self.announcements.change_nodes(change);
        keys.iter().for_each(|key| self.reconcile(key));
    }

    /// Notes which objects about a Service are outdated.
    pub(super) fn update_orphan_timer(&mut self, key: &ObjectKey) {
        if !self.active {
            return;
        }
        let entry = self.entries.get(key);
        let ips = entry.map(|entry| [&entry.view.status[..], &entry.doubtful].concat());
        let ips = ips.unwrap_or_default();
        self.announcements.update_orphan_timer(key, &ips, self.now);
    }

    /// Puts the addresses of a Service that another host uses into quarantine,
    /// unless the user requests them; the other Services that have them.
    pub(super) fn quarantine_conflicts(&mut self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let Some(entry) = self.entries.get(key).filter(|_| self.active) else {
            return BTreeSet::new();
        };
        let view = &entry.view;
        let unrequested = view.status.iter().filter(|ip| !asks_for(view, **ip));
        let ours = unrequested.filter(|ip| self.allocator.pool_of(**ip).is_some());
        let conflicts = ours.filter_map(|ip| {
            let (mac, _) = self.announcements.foreign_host(key, *ip)?;
            Some((*ip, mac.to_owned()))
        });
        let conflicts: Vec<_> = conflicts
            .filter(|(ip, _)| self.allocator.stranger(*ip).is_none())
            .collect();
        let mut others = BTreeSet::new();
        for (ip, mac) in conflicts {
            others.extend(self.allocator.quarantine(ip, mac));
            self.quarantine.insert(ip, self.now);
        }
        others.remove(key);
        others
    }

    /// Ends quarantines, reports addresses that stayed unannounced, and deletes
    /// objects that were left behind.
    pub(super) fn tick(&mut self, now: Duration) {
        self.now = now;
        for ip in self.quarantine.expire(now) {
            self.allocator.readmit(ip);
        }
        for key in self.announcements.due_alarms(now) {
            self.reconcile(&key);
        }
        if self.active {
            let left = self.announcements.left_behind(now);
            let delete = |report: &Announcement| BackgroundWrite::DeleteOrphan {
                name: report.name.clone(),
                uid: report.uid.clone(),
                version: report.version.clone(),
            };
            let writes = left.into_iter().map(delete).map(Action::Background);
            self.actions.extend(writes);
        }
    }

    /// When [`Services::tick`] is due.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let times = [self.quarantine.deadline(), self.announcements.deadline()];
        times.into_iter().flatten().min()
    }
}

impl Announcements {
    /// The change of the condition `Announced`, given what was decided about the
    /// addresses. Notes in the entry since when addresses have been unannounced.
    pub(super) fn announced_change(
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
        // A condition that is kept must be about the addresses the Service has.
        let as_before = match &view.announced {
            Some(shown) if gone || !names_exactly(&shown.message, addresses) => {
                ConditionChange::Remove
            }
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
            AnnouncementState::Unannounced(reason, text) => {
                let silent = silent.filter(|(ips, _)| ips == addresses);
                let (ips, since) = silent.unwrap_or_else(|| (addresses.clone(), now));
                entry.silent = Some((ips, since));
                if since + GRACE > now {
                    return as_before;
                }
                (False, reason.as_str(), text)
            }
        };
        let condition = Condition {
            status,
            reason,
            message,
        };
        let unchanged = shown.is_some_and(|c| c.says(&condition));
        if unchanged {
            ConditionChange::Keep
        } else {
            ConditionChange::Set(condition)
        }
    }

    /// The addresses of a Service that its user requests and another host uses,
    /// with that host's hardware address.
    pub(super) fn requested_conflicts(&self, view: &ServiceView) -> BTreeSet<(IpAddr, String)> {
        let requested = view.status.iter().filter(|ip| asks_for(view, **ip));
        let conflicts = requested.filter_map(|ip| {
            let (mac, _) = self.foreign_host(&view.key, *ip)?;
            Some((*ip, mac.to_owned()))
        });
        conflicts.collect()
    }
}

/// Whether the message of a condition is about exactly these addresses. Each is
/// followed by a verb; names of nodes may look like addresses too.
fn names_exactly(message: &str, addresses: &[IpAddr]) -> bool {
    let words: Vec<&str> = message.split_whitespace().collect();
    let subjects = words
        .windows(2)
        .filter(|pair| matches!(pair[1], "by" | "is"));
    let named = subjects.filter_map(|pair| pair[0].parse::<IpAddr>().ok());
    named.eq(addresses.iter().copied())
}
