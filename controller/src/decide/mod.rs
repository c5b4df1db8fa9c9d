//! What the status of a Service should be. Pure: a function of the Service, its
//! context and the allocator, which it changes.
//!
//! An address stays as long as it may: it is taken away only if the user or
//! the configuration leaves no other way, and the decision gives the reason.

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
pub use refusal::{Missing, REASONS, Refusal, ReleaseReason, Released};

/// The decision about one Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The addresses to write to the status, in the order of the Service's families;
    /// `None` if the status is correct.
    pub write: Option<Vec<IpAddr>>,
    /// Addresses in the status that the Service must release, and why.
    pub released: Vec<Released>,
    /// Why the Service does not get what it requests.
    pub refusal: Option<Refusal>,
    /// What to do with the condition `Allocated`.
    pub condition: ConditionChange,
    /// What would improve it once it becomes available.
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

/// Whether the Service is served by this controller: without `--load-balancer-class` those
/// that name no class, with it those that name exactly this one.
#[must_use]
pub fn is_ours(view: &ServiceView, class: Option<&str>) -> bool {
    view.load_balancer && view.class.as_deref() == class
}

/// Claims the addresses that the status of a Service shows, or may show by an
/// unconfirmed write, before any address is chosen. [`decide`] releases those that
/// it may not keep.
pub fn replay(view: &ServiceView, unconfirmed: &[IpAddr], allocator: &mut Allocator) {
    for &ip in view.status.iter().chain(unconfirmed) {
        let _refused = allocator.claim(view.claimant(), ip);
    }
}

/// Decides about one Service. Addresses it gains are claimed; those it must release
/// stay claimed until its status no longer shows them, see
/// [`Allocator::retain`].
pub fn decide(view: &ServiceView, context: &Context<'_>, allocator: &mut Allocator) -> Decision {
    replay(view, &[], allocator);
    if view.deleting {
        return Decision::default();
    }
    if !view.load_balancer {
        return clear_ours(view, allocator);
    }
    if !is_ours(view, context.class) {
        return Decision::default();
    }
    let (kept, released) = keep(view, allocator, context);
    let mut choice = choose::choose(view, kept, allocator, context);
    choice.addresses = in_family_order(view, choice.addresses);
    let condition = condition::of(view, &choice, allocator, context);
    let unchanged = view
        .allocated
        .as_ref()
        .is_some_and(|c| c.matches(&condition));
    let addresses = choice.addresses;
    let released = released
        .into_iter()
        .filter(|released| !addresses.contains(&released.ip))
        .collect();
    let right = view.ingress_is_canonical && view.status == addresses;
    Decision {
        write: (!right).then_some(addresses),
        released,
        refusal: choice.refusal,
        condition: if unchanged {
            ConditionChange::Keep
        } else {
            ConditionChange::Set(condition)
        },
        waits: choice.waits,
    }
}

/// A Service that is no longer of type `LoadBalancer`: the addresses of our
/// pools leave its status, others are left alone.
fn clear_ours(view: &ServiceView, allocator: &Allocator) -> Decision {
    let ours = view
        .status
        .iter()
        .any(|ip| allocator.pool_of(*ip).is_some());
    let condition = match &view.allocated {
        Some(_) => ConditionChange::Remove,
        None => ConditionChange::Keep,
    };
    Decision {
        write: ours.then(Vec::new),
        condition,
        ..Decision::default()
    }
}

/// Splits the addresses in the status, and those held besides (if the status was
/// cleared by hand), into those to keep and those to release.
fn keep(
    view: &ServiceView,
    allocator: &mut Allocator,
    context: &Context<'_>,
) -> (Vec<IpAddr>, Vec<Released>) {
    let held = allocator.held(&view.key);
    let beside = held.into_iter().filter(|ip| !view.status.contains(ip));
    let mut kept: Vec<IpAddr> = Vec::new();
    let mut released = Vec::new();
    for ip in view.status.iter().copied().chain(beside) {
        match may_keep(view, ip, &kept, allocator, context) {
            Ok(()) => kept.push(ip),
            Err(why) if view.status.contains(&ip) => released.push(Released { ip, why }),
            Err(_) => {}
        }
    }
    (kept, released)
}

fn may_keep(
    view: &ServiceView,
    ip: IpAddr,
    kept: &[IpAddr],
    allocator: &mut Allocator,
    context: &Context<'_>,
) -> Result<(), ReleaseReason> {
    let family = Family::of(ip);
    if !families(view).contains(&family) {
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
    if let Some(mac) = allocator.foreign_mac(ip).filter(|_| !requests(view, ip)) {
        return Err(ReleaseReason::ForeignHost(mac.to_owned()));
    }
    let pool = allocator.pool(pool);
    admit::admits(view, pool, context).map_err(|why| ReleaseReason::Barred(pool.name.clone(), why))
}

/// Whether the user requests this address. A request that cannot be parsed counts
/// as one for the present address, since no other could be chosen.
#[must_use]
pub fn requests(view: &ServiceView, ip: IpAddr) -> bool {
    match &view.request {
        Request::Any => false,
        Request::These(ips) => ips.contains(&ip),
        Request::Malformed(_) => true,
    }
}

/// The families in which a Service needs an address: the primary one, or both if
/// its policy is dual stack.
fn families(view: &ServiceView) -> &[Family] {
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
