//! When this node preempts an owner that is alive and eligible: because this node is
//! preferred for the IP, or because the spread is uneven. One IP at a time, and only
//! after the members were unchanged for a while, so that a node that comes and goes
//! takes nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use ferrolb_core::key::NodeName;

use super::rank::rank;
use super::view::{ElectionView, Eligible};
use super::{Cause, Epoch, Preference, Timing};

/// An IP to take from its owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Preemption {
    pub(super) ip: IpAddr,
    pub(super) from: NodeName,
    pub(super) cause: Cause,
}

/// The members at the last look, and when the next IP may be taken.
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

    /// When to look again.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.not_before
    }

    /// The IP to take now, if any; `claims` are this node's.
    pub(super) fn next(
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
        let candidates = others.filter_map(|ip| candidate(view, ip));
        let best = candidates.max_by_key(|(merit, _)| *merit);
        best.map(|(_, preemption)| preemption)
    }
}

/// The order of candidates: more preference first, then the greater difference in load,
/// then this node's rank for the IP.
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
    let preemption = Preemption {
        ip,
        from: holder.clone(),
        cause,
    };
    Some((merit, preemption))
}

/// The one eligible node to take the IP: the most preferred, of these the least loaded,
/// of these the first by name. So two nodes never take it at once, and of IPs that all
/// nodes may have, one moves at a time.
fn taker<'a>(eligible: &Eligible<'a>, load: impl Fn(&str) -> usize) -> Option<&'a NodeName> {
    let all = eligible.iter();
    let best = all.max_by_key(|(node, preference)| (**preference, Reverse((load(node), *node))));
    best.map(|(node, _)| *node)
}
