//! What the speakers report in their objects, one per Service and node, and what
//! that means for a Service. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::change::Change;
use ferrolb_core::ineligible::{Unannounced, UnannouncedReason};
use ferrolb_core::key::ObjectKey;

use super::action::BackgroundWrite;
use super::grace::GracePeriods;
use super::nodes::{Nodes, Turned};
use super::orphans::Orphans;
use crate::service::{ConditionStatus, ObservedCondition};

/// The end of the text about an announcement whose node is not Ready.
const NOT_READY: &str = ", which is not Ready";

/// What one speaker reports about one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// `metadata.name` of the object.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.resourceVersion`.
    pub version: String,
    /// The Service.
    pub service: ObjectKey,
    /// The node; `None` while the object has no status yet.
    pub node: Option<String>,
    /// The interfaces it answers on; empty means all.
    pub interfaces: Vec<String>,
    /// The IPs it answers for, and the epoch of its claim on each.
    pub announces: BTreeMap<IpAddr, u64>,
    /// The IPs that another host uses, and its hardware address.
    pub conflicts: BTreeMap<IpAddr, String>,
    /// The IPs that no node may announce, and why.
    pub unannounced: BTreeMap<IpAddr, Unannounced>,
}

impl Announcement {
    fn place(&self) -> String {
        let node = self.node.as_deref().unwrap_or_default();
        match &self.interfaces[..] {
            [] => node.to_owned(),
            interfaces => format!("{node} ({})", interfaces.join(", ")),
        }
    }
}

/// How the addresses of a Service are announced, each with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnnouncementState {
    /// Each is announced.
    Announced(String),
    /// Each is, but a node that announces one is not Ready: it may be gone without
    /// a successor that reports it.
    NodeNotReady(String),
    /// One is not announced, because another host uses it.
    Conflict(String),
    /// One is not announced for another reason.
    Unannounced(UnannouncedReason, String),
}

/// Everything that is reported.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    /// Whether the first list has arrived; until then, and without the CRD, a
    /// missing report means nothing.
    pub(super) listed: bool,
    by_name: BTreeMap<String, Announcement>,
    by_service: BTreeMap<ObjectKey, BTreeSet<String>>,
    orphans: Orphans,
    nodes: Nodes,
    pub(super) grace: GracePeriods,
}

impl Announcements {
    /// Stores a change; the Services that the objects are or were about.
    pub(super) fn apply(&mut self, change: Change<Announcement, String>) -> BTreeSet<ObjectKey> {
        match change {
            Change::Apply(announcement) => self.put(announcement),
            Change::Delete(name) => self.remove(&name).into_iter().collect(),
            Change::Reset(all) => {
                let names: BTreeSet<&str> = all.iter().map(|report| &*report.name).collect();
                let known = self.by_name.keys().filter(|name| !names.contains(&***name));
                let gone: Vec<String> = known.cloned().collect();
                let mut keys: BTreeSet<_> =
                    gone.iter().filter_map(|name| self.remove(name)).collect();
                self.listed = true;
                keys.extend(all.into_iter().flat_map(|report| self.put(report)));
                keys
            }
        }
    }

    fn put(&mut self, announcement: Announcement) -> BTreeSet<ObjectKey> {
        let mut keys: BTreeSet<_> = self.remove(&announcement.name).into_iter().collect();
        let (name, service) = (announcement.name.clone(), announcement.service.clone());
        keys.insert(service.clone());
        let names = self.by_service.entry(service).or_default();
        names.insert(name.clone());
        self.by_name.insert(name, announcement);
        keys
    }

    fn remove(&mut self, name: &str) -> Option<ObjectKey> {
        self.orphans.set(name, false, Duration::ZERO);
        let key = self.by_name.remove(name)?.service;
        if let Some(names) = self.by_service.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                self.by_service.remove(&key);
            }
        }
        Some(key)
    }

    /// Stores which Nodes are Ready; the Services that this concerns.
    pub(super) fn nodes_changed(
        &mut self,
        change: Change<(String, bool), String>,
    ) -> BTreeSet<ObjectKey> {
        match self.nodes.apply(change) {
            Turned::All => self.services().cloned().collect(),
            Turned::These(nodes) => {
                let all = self.by_name.values();
                let theirs =
                    all.filter(|report| report.node.as_ref().is_some_and(|n| nodes.contains(n)));
                theirs.map(|report| report.service.clone()).collect()
            }
        }
    }

    /// The Services that any object is about.
    pub(super) fn services(&self) -> impl Iterator<Item = &ObjectKey> {
        self.by_service.keys()
    }

    /// The hardware address of another host that uses an address of a Service, and
    /// the node that saw it. While any node announces the address there is no
    /// conflict: a speaker that has just started may not know all others yet.
    pub(super) fn foreign_host(&self, key: &ObjectKey, ip: IpAddr) -> Option<(&str, &str)> {
        if self.owner(key, ip).is_some() {
            return None;
        }
        let mut all = self.complete(key);
        all.find_map(|report| Some((&**report.conflicts.get(&ip)?, report.node.as_deref()?)))
    }

    /// Why no node announces an address of a Service. Of several reports one by a
    /// node that is Ready counts, since the other node may be gone.
    fn unannounced(&self, key: &ObjectKey, ip: IpAddr) -> Option<&Unannounced> {
        let reports = self.complete(key);
        let reports = reports.filter_map(|report| Some((report, report.unannounced.get(&ip)?)));
        let best = reports.max_by_key(|(report, _)| (self.is_ready(report), &report.node));
        best.map(|(_, why)| why)
    }

    /// How these addresses are announced, in their order.
    pub(super) fn state_of(&self, key: &ObjectKey, ips: &[IpAddr]) -> AnnouncementState {
        let (mut conflict, mut unannounced, mut unready) = (false, None, false);
        let each = ips.iter().map(|ip| {
            if let Some(owner) = self.owner(key, *ip) {
                let ready = self.is_ready(owner);
                unready |= !ready;
                let but = if ready { "" } else { NOT_READY };
                return format!("{ip} by {}{but}", owner.place());
            }
            if let Some((mac, node)) = self.foreign_host(key, *ip) {
                conflict = true;
                return format!(
                    "{ip} is not announced: another host ({mac}) uses it, seen by {node}"
                );
            }
            let why = self.unannounced(key, *ip);
            let reason = why.map_or(UnannouncedReason::NotAnnounced, |why| why.reason);
            unannounced = unannounced.or(Some(reason));
            match why {
                Some(why) => format!("{ip} is not announced: {why}"),
                None => {
                    format!("{ip} is not announced: no speaker reports it; check the speaker pods")
                }
            }
        });
        let each = each.collect::<Vec<_>>();
        match (conflict, unannounced, unready) {
            (true, _, _) => AnnouncementState::Conflict(each.join("; ")),
            (_, Some(reason), _) => AnnouncementState::Unannounced(reason, each.join(". ")),
            (_, _, true) => AnnouncementState::NodeNotReady(each.join(", ")),
            (false, None, false) => AnnouncementState::Announced(each.join(", ")),
        }
    }

    /// Whether a condition doubts exactly these announcements, and the Nodes that
    /// could resolve it are not listed yet.
    pub(super) fn still_doubts(&self, shown: Option<&ObservedCondition>, text: &str) -> bool {
        let doubts = |shown: &ObservedCondition| {
            shown.status == ConditionStatus::Unknown && shown.message.replace(NOT_READY, "") == text
        };
        !self.nodes.are_listed() && shown.is_some_and(doubts)
    }

    /// Notes which objects about a Service with these addresses are outdated.
    pub(super) fn update_orphan_timer(&mut self, key: &ObjectKey, ips: &[IpAddr], now: Duration) {
        for name in self.by_service.get(key).into_iter().flatten() {
            let report = self.by_name.get(name);
            let current = report.is_some_and(|report| self.is_current(report, ips));
            self.orphans.set(name, !current, now);
        }
    }

    /// Whether an object still applies to one of these addresses. That an address
    /// is not announced no longer applies once a node announces it.
    fn is_current(&self, report: &Announcement, ips: &[IpAddr]) -> bool {
        ips.iter().any(|ip| {
            report.announces.contains_key(ip)
                || report.conflicts.contains_key(ip)
                || (report.unannounced.contains_key(ip)
                    && self.owner(&report.service, *ip).is_none())
        })
    }

    /// Deletes the objects that were left behind by their speakers.
    pub(super) fn delete_orphans(&mut self, now: Duration) -> Vec<BackgroundWrite> {
        let names = self.orphans.take_due(now).into_iter();
        let reports = names.filter_map(|name| self.by_name.get(name));
        let delete = |report: &Announcement| BackgroundWrite::DeleteOrphan {
            name: report.name.clone(),
            uid: report.uid.clone(),
            version: report.version.clone(),
        };
        reports.map(delete).collect()
    }

    /// When time alone changes something.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let timeouts = [self.orphans.next_timeout(), self.grace.next_timeout()];
        timeouts.into_iter().flatten().min()
    }

    /// The node that announces an address. Of several one that is Ready comes
    /// first, since the other may be gone; then the highest epoch counts, as
    /// the others are about to give way.
    fn owner(&self, key: &ObjectKey, ip: IpAddr) -> Option<&Announcement> {
        let claims = self.complete(key);
        let claims = claims.filter_map(|report| Some((report.announces.get(&ip)?, report)));
        claims
            .max_by_key(|(epoch, report)| (self.is_ready(report), **epoch, &report.node))
            .map(|(_, report)| report)
    }

    fn is_ready(&self, report: &Announcement) -> bool {
        let node = report.node.as_deref();
        node.is_some_and(|node| self.nodes.is_ready(node))
    }

    /// The objects about a Service that have a status.
    fn complete(&self, key: &ObjectKey) -> impl Iterator<Item = &Announcement> {
        let names = self.by_service.get(key).into_iter().flatten();
        let all = names.filter_map(|name| self.by_name.get(name));
        all.filter(|report| report.node.is_some())
    }
}
