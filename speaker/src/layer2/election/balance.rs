//! When this node takes an IP from one that holds it by right: because it is
//! preferred for it, or because the spread is uneven. Slowly, one at a time,
//! and only after the members have been the same for a while, so that a node
//! that comes and goes takes nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use ferrolb_core::key::NodeName;

use super::rank::rank;
use super::view::{ElectionView, Eligible};
use super::{Cause, Epoch, Preference, Timing};

/// An IP to take now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Preemption {
    pub(super) ip: IpAddr,
    pub(super) from: NodeName,
    pub(super) cause: Cause,
}

/// Remembers since when it is calm, and when an IP was taken last.
#[derive(Debug)]
pub(super) struct Balance {
    timing: Timing,
    members: BTreeSet<NodeName>,
    not_before: Option<Instant>,
}

impl Balance {
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            members: BTreeSet::new(),
            not_before: None,
        }
    }

    /// When it may be time to take one.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.not_before
    }

    /// The IP to take now, if there is one; `claims` are this node's.
    pub(super) fn preempt(
        &mut self,
        view: &ElectionView<'_>,
        claims: &BTreeMap<IpAddr, Epoch>,
        now: Instant,
    ) -> Option<Preemption> {
        if view.desired().next().is_none() {
            (self.members, self.not_before) = (BTreeSet::new(), None);
            return None;
        }
        let members: BTreeSet<NodeName> = view.held().keys().cloned().collect();
        if members != self.members {
            self.members = members;
            self.not_before = Some(now + self.timing.stabilization_window);
        }
        if self.not_before.is_none_or(|gate| now < gate) {
            return None;
        }
        self.not_before = Some(now + self.timing.rebalance_interval);
        let others = view.desired().filter(|ip| !claims.contains_key(ip));
        let pulls = others.filter_map(|ip| candidate(view, ip));
        pulls
            .max_by_key(|(merit, _)| *merit)
            .map(|(_, preempt)| preempt)
    }
}

/// How much there is to be said for taking an IP: more preference first, then
/// the greater difference in load, then this node's rank for it.
type Merit = (Preference, usize, u64);

fn candidate(view: &ElectionView<'_>, ip: IpAddr) -> Option<(Merit, Preemption)> {
    let (_, holder) = view.best_claim(ip)?;
    let eligible = view.eligible(ip);
    let mine = *eligible.get(view.me())?;
    let theirs = *eligible.get(holder)?;
    let load = |node: &str| view.held().get(node).copied().unwrap_or_default();
    let excess = load(holder).saturating_sub(load(view.me()));
    let cause = if mine > theirs {
        Cause::Preferred
    } else if mine == theirs && excess >= 2 {
        Cause::Rebalance
    } else {
        return None;
    };
    if taker(&eligible, load)? != view.me() {
        return None;
    }
    let merit = (mine - theirs, excess, rank(ip, view.me()));
    let preempt = Preemption {
        ip,
        from: holder.clone(),
        cause,
    };
    Some((merit, preempt))
}

/// Of all that may have the IP the one to take it: the most preferred, of
/// these the least loaded, of these the first by name. One node only, so that
/// two never take it at once, and for IPs that all may have, one at a time.
fn taker<'a>(eligible: &Eligible<'a>, load: impl Fn(&str) -> usize) -> Option<&'a NodeName> {
    let all = eligible.iter();
    let best = all.max_by_key(|(node, preference)| (**preference, Reverse((load(node), *node))));
    best.map(|(node, _)| *node)
}
