//! Chooses addresses for a Service of ours, given those it may keep.
//!
//! Order: requested addresses; those it has; one pool that has all families;
//! for `PreferDualStack` one pool that has the primary family, else the other.
//! Both addresses of a Service come from one pool unless the user asks
//! otherwise.

use std::net::IpAddr;

use ferrolb_core::range::Family;

use super::refusal::Refusal;
use super::wanted;
use crate::allocator::{Allocator, PoolRefusal};
use crate::service::{FamilyPolicy, Request, ServiceView};

/// Addresses a Service is to have, and what stands in the way of more.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) refusal: Option<Refusal>,
    pub(super) waiting: bool,
}

impl Choice {
    fn done(addresses: Vec<IpAddr>) -> Self {
        Self {
            addresses,
            ..Self::default()
        }
    }

    /// Stays with what it has; only a change of the Service itself helps.
    fn refused(addresses: Vec<IpAddr>, refusal: Refusal) -> Self {
        Self {
            addresses,
            refusal: Some(refusal),
            waiting: false,
        }
    }

    fn waiting(self) -> Self {
        Self {
            waiting: true,
            ..self
        }
    }
}

pub(super) fn choose(view: &ServiceView, kept: Vec<IpAddr>, allocator: &mut Allocator) -> Choice {
    let wanted = wanted(view);
    if wanted.is_empty() {
        return Choice::refused(kept, Refusal::NoFamily);
    }
    if view.policy == FamilyPolicy::RequireDual && wanted.len() < 2 {
        return Choice::refused(kept, Refusal::NotDual);
    }
    match &view.request {
        Request::Malformed(problem) => Choice::refused(kept, Refusal::Malformed(problem.clone())),
        Request::These(ips) => requested(view, ips, kept, allocator),
        Request::Any => fill(view, kept, allocator),
    }
}

/// Exactly what the user asks for. If it cannot be had, the Service keeps what
/// it has, which is better than nothing and than anything else.
fn requested(
    view: &ServiceView,
    ips: &[IpAddr],
    kept: Vec<IpAddr>,
    allocator: &mut Allocator,
) -> Choice {
    if !families_fit(view, ips) {
        let refusal = Refusal::RequestedFamilies {
            requested: ips.to_vec(),
            wanted: wanted(view).to_vec(),
        };
        return Choice::refused(kept, refusal);
    }
    let claims = ips.iter().map(|ip| allocator.claim(&view.key, *ip));
    let refused: Vec<_> = claims.filter_map(Result::err).collect();
    if refused.is_empty() {
        return Choice::done(ips.to_vec());
    }
    Choice::refused(kept, Refusal::Requested(refused)).waiting()
}

/// One address for each family wanted; a preference for two is met by one.
fn families_fit(view: &ServiceView, ips: &[IpAddr]) -> bool {
    let wanted = wanted(view);
    let once = |family: &Family| ips.iter().filter(|ip| Family::of(**ip) == *family).count() == 1;
    let covered = wanted.iter().filter(|family| once(family)).count();
    let enough = covered == wanted.len() || view.policy == FamilyPolicy::PreferDual;
    covered == ips.len() && enough
}

/// What it has, completed by what is missing.
fn fill(view: &ServiceView, kept: Vec<IpAddr>, allocator: &mut Allocator) -> Choice {
    if kept.is_empty() {
        return fresh(view, allocator);
    }
    let has = |family: &Family| kept.iter().any(|ip| Family::of(*ip) == *family);
    let missing: Vec<Family> = wanted(view).iter().copied().filter(|f| !has(f)).collect();
    if missing.is_empty() {
        return Choice::done(kept);
    }
    let pool = kept.first().and_then(|ip| allocator.pool_of(*ip));
    let more = pool.and_then(|pool| allocator.allocate(&view.key, pool, &missing).ok());
    if let Some(more) = more {
        return Choice::done([kept, more].concat());
    }
    if view.policy == FamilyPolicy::PreferDual {
        return Choice::done(kept).waiting();
    }
    match from_one_pool(view, wanted(view), allocator) {
        Ok(pair) => Choice::done(pair),
        Err(reasons) => Choice::refused(kept, Refusal::NoPool(reasons)).waiting(),
    }
}

/// The first addresses of a Service.
fn fresh(view: &ServiceView, allocator: &mut Allocator) -> Choice {
    let families = wanted(view);
    let reasons = match from_one_pool(view, families, allocator) {
        Ok(addresses) => return Choice::done(addresses),
        Err(reasons) => reasons,
    };
    if view.policy == FamilyPolicy::PreferDual && families.len() > 1 {
        for family in families {
            if let Ok(single) = from_one_pool(view, &[*family], allocator) {
                return Choice::done(single).waiting();
            }
        }
    }
    Choice::refused(Vec::new(), Refusal::NoPool(reasons)).waiting()
}

type Reasons = Vec<(String, PoolRefusal)>;

/// The first pool that has all the families, or why each has not.
fn from_one_pool(
    view: &ServiceView,
    families: &[Family],
    allocator: &mut Allocator,
) -> Result<Vec<IpAddr>, Reasons> {
    let names: Vec<String> = allocator.names().map(str::to_owned).collect();
    let mut reasons = Vec::new();
    for (pool, name) in names.into_iter().enumerate() {
        match allocator.allocate(&view.key, pool, families) {
            Ok(addresses) => return Ok(addresses),
            Err(reason) => reasons.push((name, reason)),
        }
    }
    Err(reasons)
}
