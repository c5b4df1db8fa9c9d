//! Which pools serve a Service, in the order in which they are tried, and why the
//! others do not. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use ferrolb_core::config::Pool;
use ferrolb_core::selector::Labels;

use crate::allocator::{Allocator, PoolRefusal};
use crate::service::ServiceView;

/// The labels of each namespace.
pub type Namespaces = BTreeMap<String, Labels>;

/// What a decision depends on besides the Service and the allocator.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The class that is served; `None` for Services without a class.
    pub class: Option<&'a str>,
    /// The labels of each namespace.
    pub namespaces: &'a Namespaces,
}

/// A pool by its index, and why it is not tried.
pub(super) type Candidate = (usize, Result<(), PoolRefusal>);

/// Whether a pool serves the Service, requested or not.
pub(super) fn admits(
    view: &ServiceView,
    pool: &Pool,
    context: &Context<'_>,
) -> Result<(), PoolRefusal> {
    let Some(allocation) = &pool.service_allocation else {
        return Ok(());
    };
    let namespace = &view.key.namespace;
    let unlabelled = Labels::new();
    let labels = context.namespaces.get(namespace).unwrap_or(&unlabelled);
    if !allocation.admits_namespace(namespace, labels) {
        return Err(PoolRefusal::Namespace(namespace.clone()));
    }
    if !allocation.admits_service(&view.labels) {
        return Err(PoolRefusal::Labels);
    }
    Ok(())
}

/// The pools for a Service that requests none: first those pinned to it, by
/// priority, then the general ones, unless a pinned one allows no fallback.
pub(super) fn candidates(
    view: &ServiceView,
    allocator: &Allocator,
    context: &Context<'_>,
) -> Vec<Candidate> {
    let automatic = |pool: &Pool| match pool.auto_assign {
        true => Ok(()),
        false => Err(PoolRefusal::NotAutoAssign),
    };
    let (mut pinned, general): (Vec<_>, Vec<_>) = allocator
        .pools()
        .enumerate()
        .partition(|(_, pool)| pool.service_allocation.is_some());
    pinned.sort_by_key(|(_, pool)| rank(pool));
    let mut all: Vec<Candidate> = Vec::new();
    let mut barrier = None;
    for (index, pool) in pinned {
        let verdict = admits(view, pool, context).and_then(|()| automatic(pool));
        if verdict.is_ok() && barrier.is_none() {
            barrier = Some(pool).filter(|pool| !falls_back(pool));
        }
        all.push((index, verdict));
    }
    for (index, pool) in general {
        let blocked = barrier.map_or(Ok(()), |pool| {
            Err(PoolRefusal::NoFallback(pool.name.clone()))
        });
        all.push((index, blocked.and_then(|()| automatic(pool))));
    }
    all
}

/// The first pool pinned to the Service, if any.
pub(super) fn pinned_to<'a>(
    view: &ServiceView,
    allocator: &'a Allocator,
    context: &Context<'_>,
) -> Option<&'a Pool> {
    let fits = |pool: &&Pool| {
        let pinned = pool.service_allocation.is_some() && pool.auto_assign;
        pinned && admits(view, pool, context).is_ok()
    };
    allocator.pools().filter(fits).min_by_key(|pool| rank(pool))
}

fn falls_back(pool: &Pool) -> bool {
    pool.service_allocation
        .as_ref()
        .is_none_or(|allocation| allocation.fallback)
}

/// Lower is tried first; without a priority last.
fn rank(pool: &Pool) -> u32 {
    let allocation = pool.service_allocation.as_ref();
    allocation
        .and_then(|allocation| allocation.priority)
        .map_or(u32::MAX, NonZeroU32::get)
}
