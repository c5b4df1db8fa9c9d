//! The condition `Allocated` of a Service. It depends only on the present state,
//! not on its history, so that the same state is never written twice. Pure.

use std::net::IpAddr;

use super::admit::{Context, pinned_to};
use super::choose::Choice;
use super::refusal::list;
use crate::allocator::Allocator;
use crate::service::{Condition, ConditionStatus, ServiceView};

pub(super) fn of(
    view: &ServiceView,
    choice: &Choice,
    allocator: &Allocator,
    context: &Context<'_>,
) -> Condition {
    if let Some(refusal) = &choice.refusal {
        let keeps = match &choice.addresses[..] {
            [] => String::new(),
            kept => format!("; keeping {}", list(kept)),
        };
        return Condition {
            status: ConditionStatus::False,
            reason: refusal.reason(),
            message: format!("{refusal}{keeps}"),
        };
    }
    let assigned = assigned(view, &choice.addresses, allocator, context);
    match &choice.missing {
        Some(missing) => Condition {
            status: ConditionStatus::True,
            reason: "PartiallyAssigned",
            message: format!("{assigned}; {missing}"),
        },
        None => Condition {
            status: ConditionStatus::True,
            reason: "Assigned",
            message: assigned,
        },
    }
}

/// The addresses of a Service and their pools, as text.
#[must_use]
pub fn assigned(
    view: &ServiceView,
    addresses: &[IpAddr],
    allocator: &Allocator,
    context: &Context<'_>,
) -> String {
    let pool = |ip: &IpAddr| Some((*ip, allocator.pool(allocator.pool_of(*ip)?)));
    let each: Vec<_> = addresses.iter().filter_map(pool).collect();
    let texts: Vec<_> = each
        .iter()
        .map(|(ip, pool)| format!("{ip} from pool {}", pool.name))
        .collect();
    let general = each.iter().any(|(_, p)| p.service_allocation.is_none());
    let requested_pool = view.pool.is_some() || view.request != crate::service::Request::Any;
    let pinned = pinned_to(view, allocator, context).filter(|_| general && !requested_pool);
    let fallback = pinned.map(|pool| format!(", falling back from pool {}", pool.name));
    format!(
        "Assigned {}{}",
        texts.join(", "),
        fallback.unwrap_or_default()
    )
}
