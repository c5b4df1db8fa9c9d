//! From what the speakers report about a Service to its condition `Announced`, and
//! to its addresses that another host uses. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::Announcements;
use super::announcements::AnnouncementState;
use crate::decide::{ConditionChange, Decision, is_ours, requests};
use crate::service::ConditionStatus::{False, True, Unknown};
use crate::service::{Condition, ServiceView};

impl Announcements {
    /// The change of the condition `Announced`, given what was decided about the
    /// addresses, by a controller that serves this class.
    pub(super) fn condition_change(
        &mut self,
        view: &ServiceView,
        class: Option<&str>,
        decision: &Decision,
        now: Duration,
    ) -> ConditionChange {
        let observed = view.announced.as_ref();
        let addresses = decision.write.as_ref().unwrap_or(&view.status);
        if view.deleting || (view.load_balancer && !is_ours(view, class)) {
            self.grace.end(&view.key);
            return ConditionChange::Keep;
        }
        if !view.load_balancer || addresses.is_empty() {
            self.grace.end(&view.key);
            return observed.map_or(ConditionChange::Keep, |_| ConditionChange::Remove);
        }
        match self.condition(view, addresses, now) {
            Some(condition) if observed.is_some_and(|o| o.matches(&condition)) => {
                ConditionChange::Keep
            }
            Some(condition) => ConditionChange::Set(condition),
            // One that is kept must be about the addresses that the Service has.
            None if observed.is_some_and(|o| !names_exactly(&o.message, addresses)) => {
                ConditionChange::Remove
            }
            None => ConditionChange::Keep,
        }
    }

    /// The condition for these addresses; `None` while it is too early to report one.
    fn condition(
        &mut self,
        view: &ServiceView,
        addresses: &[IpAddr],
        now: Duration,
    ) -> Option<Condition> {
        if !self.listed {
            self.grace.end(&view.key);
            return None;
        }
        let state = self.state_of(&view.key, addresses);
        let is_over = match state {
            AnnouncementState::Unannounced(..) => self.grace.is_over(&view.key, addresses, now),
            _ => {
                self.grace.end(&view.key);
                true
            }
        };
        let (status, reason, message) = match state {
            AnnouncementState::Announced(text) => {
                if self.still_doubts(view.announced.as_ref(), &text) {
                    return None;
                }
                (True, "Announced", text)
            }
            AnnouncementState::NodeNotReady(text) => (Unknown, "NodeNotReady", text),
            AnnouncementState::Conflict(text) => (False, "AddressConflict", text),
            AnnouncementState::Unannounced(reason, text) => (False, reason.as_str(), text),
        };
        is_over.then_some(Condition {
            status,
            reason,
            message,
        })
    }

    /// The addresses of a Service that another host uses, with that host's hardware
    /// address: those that the user requests, or the others.
    pub(super) fn conflicts(
        &self,
        view: &ServiceView,
        requested: bool,
    ) -> BTreeMap<IpAddr, String> {
        let addresses = view.status.iter();
        let addresses = addresses.filter(|ip| requests(view, **ip) == requested);
        let conflicts = addresses.filter_map(|ip| {
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
