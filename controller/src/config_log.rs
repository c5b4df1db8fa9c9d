//! What the log says about the configuration: one line for each fault, and
//! what follows from it.

use ferrolb_core::names::CONFIG_MAP;

use crate::reconcile::{FaultyConfig, Seen};

/// Logs a configuration just seen; `configured` is whether an earlier one is
/// in force.
pub fn config(seen: &Seen, configured: bool) {
    match seen {
        Seen::Good(config) => tracing::info!(pools = config.pools.len(), "configuration loaded"),
        Seen::Faulty(faulty) => {
            let accepted = faulty.in_force.is_some();
            log_faults(faulty, consequence(configured || accepted));
        }
        Seen::Absent(in_force) => {
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
pub fn faults(seen: &Seen) -> usize {
    match seen {
        Seen::Faulty(faulty) => faulty.faults.len(),
        Seen::Good(_) | Seen::Absent(_) => 0,
    }
}

fn log_faults(faulty: &FaultyConfig, consequence: &str) {
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
