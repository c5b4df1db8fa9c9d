//! What the log says about the configuration: one line for each fault, and
//! what follows from it.

use ferrolb_core::names::CONFIG_MAP;

use crate::reconcile::{ConfigState, InvalidConfig};

/// Logs a configuration just seen; `configured` is whether an earlier one is
/// in force.
pub fn config(seen: &ConfigState, configured: bool) {
    match seen {
        ConfigState::Valid(config) => {
            tracing::info!(pools = config.pools.len(), "configuration loaded")
        }
        ConfigState::Invalid(faulty) => {
            let accepted = faulty.in_force.is_some();
            log_faults(faulty, consequence(configured || accepted));
        }
        ConfigState::Absent(in_force) => {
            let consequence = consequence(configured || in_force.is_some());
            tracing::warn!(
                configmap = CONFIG_MAP,
                consequence,
                "there is no configuration"
            );
        }
    }
}

/// How many faults it has.
#[must_use]
pub fn faults(seen: &ConfigState) -> usize {
    match seen {
        ConfigState::Invalid(faulty) => faulty.faults.len(),
        ConfigState::Valid(_) | ConfigState::Absent(_) => 0,
    }
}

fn log_faults(faulty: &InvalidConfig, consequence: &str) {
    for fault in faulty.faults.iter() {
        tracing::error!(configmap = CONFIG_MAP, consequence, %fault, "configuration not used");
    }
}

fn consequence(configured: bool) -> &'static str {
    if configured {
        "the configuration accepted last stays in force"
    } else {
        "no address is assigned before there is a good configuration"
    }
}
