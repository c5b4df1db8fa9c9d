//! Logs the configuration: one line for each fault, and the consequence.

use ferrolb_core::names::CONFIG_MAP;

use crate::reconcile::ConfigState;

/// Logs a new state; `configured` is whether an earlier configuration is active.
pub fn log(state: &ConfigState, configured: bool) {
    match state {
        ConfigState::Valid(config) => {
            tracing::info!(pools = config.pools.len(), "configuration loaded");
        }
        ConfigState::Invalid(invalid) => {
            let consequence = consequence(configured || invalid.in_force.is_some());
            for fault in invalid.faults.iter() {
                tracing::error!(configmap = CONFIG_MAP, consequence, %fault, "configuration rejected");
            }
        }
        ConfigState::Absent(accepted) => {
            let consequence = consequence(configured || accepted.is_some());
            tracing::warn!(
                configmap = CONFIG_MAP,
                consequence,
                "no configuration found"
            );
        }
    }
}

/// How many faults it has.
#[must_use]
pub fn faults(state: &ConfigState) -> usize {
    match state {
        ConfigState::Invalid(invalid) => invalid.faults.len(),
        ConfigState::Valid(_) | ConfigState::Absent(_) => 0,
    }
}

fn consequence(configured: bool) -> &'static str {
    if configured {
        "the last accepted configuration stays active"
    } else {
        "no address is assigned until there is a valid configuration"
    }
}
