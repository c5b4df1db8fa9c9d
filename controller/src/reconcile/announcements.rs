//! What the speakers say in their objects, one per Service and node, and what
//! that means for a Service. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::key::ObjectKey;

use super::nodes::Nodes;
use crate::service::{ConditionStatus, ObservedCondition};

/// How long an object may speak of nothing that is so before it is taken for
/// one that its speaker left behind. A living speaker tidies up in seconds.
pub(super) const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// What is added about an announcement whose node is not Ready.
const NOT_READY: &str = ", which is not Ready";

/// What one speaker says about one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// `metadata.name` of the object that says it.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.resourceVersion`.
    pub version: String,
    /// The Service.
    pub service: ObjectKey,
    /// The node; none while the object's status is yet to come.
    pub node: Option<String>,
    /// The interfaces it answers on; none said means all.
    pub interfaces: Vec<String>,
    /// The IPs it answers for, and the epoch of its claim on each.
    pub announces: BTreeMap<IpAddr, u64>,
    /// The IPs that a stranger holds, and the stranger's hardware address.
    pub conflicts: BTreeMap<IpAddr, String>,
}

impl Announcement {
    fn place(&self) -> String {
        let node = self.node.as_deref().unwrap_or_default();
        match &self.interfaces[..] {
            [] => node.to_owned(),
            interfaces => format!("{node} ({})", interfaces.join(", ")),
        }
    }

    fn speaks_of(&self, ips: &[IpAddr]) -> bool {
        let said = |ip: &IpAddr| self.announces.contains_key(ip) || self.conflicts.contains_key(ip);
        ips.iter().any(said)
    }
}

/// What is known of some addresses of a Service, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnnouncementState {
    /// Each is announced; by whom.
    Announced(String),
    /// Each is, but a node that announces one is not Ready: it may be gone, and
    /// nobody left to say so.
    NodeNotReady(String),
    /// A stranger holds one that nobody announces.
    Conflict(String),
    /// One is announced by nobody.
    Unannounced(String),
}

/// Everything that is said.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    /// Whether the list is in; before, or without the CRD, silence means nothing.
    pub(super) listed: bool,
    by_name: BTreeMap<String, Announcement>,
    by_service: BTreeMap<ObjectKey, BTreeSet<String>>,
    /// Since when each speaks of nothing that is so.
    idle: BTreeMap<String, Duration>,
    /// Which of the nodes are Ready.
    pub(super) nodes: Nodes,
}

impl Announcements {
    /// Takes one in; the Services it speaks of or spoke of before.
    pub(super) fn put(&mut self, announcement: Announcement) -> BTreeSet<ObjectKey> {
        let mut keys: BTreeSet<_> = self.remove(&announcement.name).into_iter().collect();
        let (name, service) = (announcement.name.clone(), announcement.service.clone());
        keys.insert(service.clone());
        self.by_service
            .entry(service)
            .or_default()
            .insert(name.clone());
        self.by_name.insert(name, announcement);
        keys
    }

    /// Forgets one; the Service it spoke of.
    pub(super) fn remove(&mut self, name: &str) -> Option<ObjectKey> {
        self.idle.remove(name);
        let key = self.by_name.remove(name)?.service;
        if let Some(names) = self.by_service.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                self.by_service.remove(&key);
            }
        }
        Some(key)
    }

    /// The names of all that are not among these.
    pub(super) fn others(&self, names: &BTreeSet<String>) -> Vec<String> {
        let known = self.by_name.keys();
        known
            .filter(|name| !names.contains(*name))
            .cloned()
            .collect()
    }

    /// The Services that anything is said of.
    pub(super) fn services(&self) -> Vec<ObjectKey> {
        self.by_service.keys().cloned().collect()
    }

    /// The Services that a node says anything of.
    pub(super) fn spoken_of_by(&self, node: &str) -> BTreeSet<ObjectKey> {
        let all = self.by_name.values();
        let its = all.filter(|said| said.node.as_deref() == Some(node));
        its.map(|said| said.service.clone()).collect()
    }

    /// The stranger that holds an address of a Service, and the node that saw
    /// it. An address that any node announces is well, whatever another saw: a
    /// newcomer may not know all speakers yet.
    pub(super) fn stranger(&self, key: &ObjectKey, ip: IpAddr) -> Option<(&str, &str)> {
        if self.owner(key, ip).is_some() {
            return None;
        }
        let mut all = self.complete(key);
        all.find_map(|said| Some((&**said.conflicts.get(&ip)?, said.node.as_deref()?)))
    }

    /// What is known of these addresses, in their order.
    pub(super) fn state_of(&self, key: &ObjectKey, ips: &[IpAddr]) -> AnnouncementState {
        let (mut conflict, mut silence, mut doubt) = (false, false, false);
        let each = ips.iter().map(|ip| {
            if let Some(owner) = self.owner(key, *ip) {
                let ready = self.is_ready(owner);
                doubt |= !ready;
                let but = if ready { "" } else { NOT_READY };
                return format!("{ip} by {}{but}", owner.place());
            }
            if let Some((mac, node)) = self.stranger(key, *ip) {
                conflict = true;
                return format!("{ip} is used by {mac} on the LAN, which {node} saw");
            }
            silence = true;
            format!("{ip} by no node: there is none eligible, or no ready endpoint")
        });
        let text = each.collect::<Vec<_>>().join(", ");
        match (conflict, silence, doubt) {
            (true, _, _) => AnnouncementState::Conflict(text),
            (_, true, _) => AnnouncementState::Unannounced(text),
            (_, _, true) => AnnouncementState::NodeNotReady(text),
            (false, false, false) => AnnouncementState::Announced(text),
        }
    }

    /// Whether a condition has doubts about these very announcements, and the
    /// Nodes that could resolve them are not listed yet.
    pub(super) fn still_doubts(&self, shown: Option<&ObservedCondition>, text: &str) -> bool {
        let doubts = |shown: &ObservedCondition| {
            shown.status == ConditionStatus::Unknown && shown.message.replace(NOT_READY, "") == text
        };
        !self.nodes.listed && shown.is_some_and(doubts)
    }

    /// Notes which objects about a Service speak of none of these addresses.
    pub(super) fn weigh(&mut self, key: &ObjectKey, ips: &[IpAddr], now: Duration) {
        for name in self.by_service.get(key).into_iter().flatten() {
            if self
                .by_name
                .get(name)
                .is_some_and(|said| said.speaks_of(ips))
            {
                self.idle.remove(name);
            } else {
                self.idle.entry(name.clone()).or_insert(now);
            }
        }
    }

    /// Those left behind; each is named once per [`LEFT_BEHIND`].
    pub(super) fn left_behind(&mut self, now: Duration) -> Vec<&Announcement> {
        let long = self.idle.iter_mut();
        let long = long.filter(|(_, since)| **since + LEFT_BEHIND <= now);
        let names = long.map(|(name, since)| {
            *since = now;
            name
        });
        names.filter_map(|name| self.by_name.get(name)).collect()
    }

    /// When the next one will have been left behind.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.idle.values().min().map(|since| *since + LEFT_BEHIND)
    }

    /// The node that announces an address. Of several one that is Ready comes
    /// first, since the other may be gone; then the highest epoch counts, as
    /// the others are about to give way.
    fn owner(&self, key: &ObjectKey, ip: IpAddr) -> Option<&Announcement> {
        let claims = self.complete(key);
        let claims = claims.filter_map(|said| Some((said.announces.get(&ip)?, said)));
        claims
            .max_by_key(|(epoch, said)| (self.is_ready(said), **epoch, &said.node))
            .map(|(_, said)| said)
    }

    fn is_ready(&self, said: &Announcement) -> bool {
        let node = said.node.as_deref();
        node.is_some_and(|node| self.nodes.is_ready(node))
    }

    /// What is said of a Service by objects whose status is in.
    fn complete(&self, key: &ObjectKey) -> impl Iterator<Item = &Announcement> {
        let names = self.by_service.get(key).into_iter().flatten();
        let all = names.filter_map(|name| self.by_name.get(name));
        all.filter(|said| said.node.is_some())
    }
}
