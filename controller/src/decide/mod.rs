//! What a Service's status should say. Pure: a function of the Service, the
//! class we serve and the allocator, which it changes.
//!
//! An address stays as long as it may: it is taken away only if the user or
//! the configuration leaves no other way, and then the decision says so.

mod admit;
mod choose;
mod condition;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ferrolb_core::range::Family;

use crate::allocator::{Allocator, ClaimRefusal, Opening};
use crate::service::{Condition, FamilyPolicy, Request, ServiceView};

pub use admit::{Context, Namespaces};
pub use condition::assigned;
pub use refusal::{Lost, Missing, REASONS, Refusal, ReleaseReason};

/// What should be written and said about one Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The addresses the status should show from now on, in the order of the
    /// Service's families; `None` if the status is right as it is.
    pub write: Option<Vec<IpAddr>>,
    /// Addresses in the status that the Service may not keep, and why.
    pub lost: Vec<Lost>,
    /// Why the Service does not get what it needs.
    pub refusal: Option<Refusal>,
    /// What our condition should say from now on.
    pub condition: ConditionChange,
    /// What of other Services' doing could improve it.
    pub waits: BTreeSet<Opening>,
}

impl Decision {
    /// Whether the status has to be written.
    #[must_use]
    pub fn changes_status(&self) -> bool {
        self.write.is_some() || self.condition != ConditionChange::Keep
    }
}

/// What to do with one of our conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ConditionChange {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Remove it.
    Remove,
    /// Replace it.
    Set(Condition),
}

/// Whether the Service is ours to serve: without `--load-balancer-class` those
/// that name no class, with it those that name exactly this one.
#[must_use]
pub fn is_ours(view: &ServiceView, class: Option<&str>) -> bool {
    view.load_balancer && view.class.as_deref() == class
}

/// Claims the addresses that a Service's status shows, and those it may show
/// without our knowing, before anything is chosen for anybody. What it may not
/// keep is dealt with by [`decide`].
pub fn replay(view: &ServiceView, doubtful: &[IpAddr], allocator: &mut Allocator) {
    for &ip in view.status.iter().chain(doubtful) {
        let _refused = allocator.claim(view.claimant(), ip);
    }
}

/// Decides about one Service. Addresses it gains are claimed; those it loses
/// stay claimed until its status no longer shows them, see
/// [`Allocator::retain`].
pub fn decide(view: &ServiceView, around: &Context<'_>, allocator: &mut Allocator) -> Decision {
    replay(view, &[], allocator);
    if view.deleting {
        return Decision::default();
    }
    if !view.load_balancer {
        return clear_ours(view, allocator);
    }
    if !is_ours(view, around.class) {
        return Decision::default();
    }
    let (kept, lost) = keep(view, allocator, around);
    let mut choice = choose::choose(view, kept, allocator, around);
    choice.addresses = in_family_order(view, choice.addresses);
    let condition = condition::of(view, &choice, allocator, around);
    let said = view.condition.as_ref().is_some_and(|c| c.says(&condition));
    let addresses = choice.addresses;
    let lost = lost
        .into_iter()
        .filter(|lost| !addresses.contains(&lost.ip))
        .collect();
    let right = view.ingress_is_canonical && view.status == addresses;
    Decision {
        write: (!right).then_some(addresses),
        lost,
        refusal: choice.refusal,
        condition: if said {
            ConditionChange::Keep
        } else {
            ConditionChange::Set(condition)
        },
        waits: choice.waits,
    }
}

/// A Service that is no longer of type `LoadBalancer`: the addresses of our
/// pools leave its status, others are not our business.
fn clear_ours(view: &ServiceView, allocator: &Allocator) -> Decision {
    let ours = view
        .status
        .iter()
        .any(|ip| allocator.pool_of(*ip).is_some());
    let condition = match &view.condition {
        Some(_) => ConditionChange::Remove,
        None => ConditionChange::Keep,
    };
    Decision {
        write: ours.then(Vec::new),
        condition,
        ..Decision::default()
    }
}

/// Splits the addresses in the status, then those held beside it (the status
/// was cleared by hand), into what may stay and what may not.
fn keep(
    view: &ServiceView,
    allocator: &mut Allocator,
    around: &Context<'_>,
) -> (Vec<IpAddr>, Vec<Lost>) {
    let held = allocator.held(&view.key);
    let beside = held.into_iter().filter(|ip| !view.status.contains(ip));
    let mut kept: Vec<IpAddr> = Vec::new();
    let mut lost = Vec::new();
    for ip in view.status.iter().copied().chain(beside) {
        match fitness(view, ip, &kept, allocator, around) {
            Ok(()) => kept.push(ip),
            Err(why) if view.status.contains(&ip) => lost.push(Lost { ip, why }),
            Err(_) => {}
        }
    }
    (kept, lost)
}

fn fitness(
    view: &ServiceView,
    ip: IpAddr,
    kept: &[IpAddr],
    allocator: &mut Allocator,
    around: &Context<'_>,
) -> Result<(), ReleaseReason> {
    let family = Family::of(ip);
    if !wanted(view).contains(&family) {
        return Err(ReleaseReason::Family(family));
    }
    if kept.iter().any(|other| Family::of(*other) == family) {
        return Err(ReleaseReason::Surplus(family));
    }
    let claim = allocator.claim(view.claimant(), ip);
    claim.map_err(|refusal| match refusal {
        ClaimRefusal::Uncovered(_) => ReleaseReason::Uncovered,
        other => ReleaseReason::Claim(other),
    })?;
    let pool = allocator.pool_of(ip).ok_or(ReleaseReason::Uncovered)?;
    if let Some(mac) = allocator.foreign_mac(ip).filter(|_| !asks_for(view, ip)) {
        return Err(ReleaseReason::ForeignHost(mac.to_owned()));
    }
    let pool = allocator.pool(pool);
    admit::admits(view, pool, around).map_err(|why| ReleaseReason::Barred(pool.name.clone(), why))
}

/// Whether the user wants this very address. What cannot be read counts as a
/// wish for what is there: nothing else could be chosen.
#[must_use]
pub fn asks_for(view: &ServiceView, ip: IpAddr) -> bool {
    match &view.request {
        Request::Any => false,
        Request::These(ips) => ips.contains(&ip),
        Request::Malformed(_) => true,
    }
}

/// The families a Service wants addresses of: the primary one only, unless its
/// policy speaks of two.
fn wanted(view: &ServiceView) -> &[Family] {
    let count = match view.policy {
        FamilyPolicy::Single => 1,
        FamilyPolicy::PreferDual | FamilyPolicy::RequireDual => 2,
    };
    &view.families[..view.families.len().min(count)]
}

fn in_family_order(view: &ServiceView, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let place = |ip: &IpAddr| view.families.iter().position(|f| *f == Family::of(*ip));
    addresses.sort_by_key(place);
    addresses
}
