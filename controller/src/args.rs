//! The controller's flags, each with an environment fallback.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Parser;
use ferrolb_runtime::args::CommonArgs;

use crate::lease::Timing;

/// Allocates external IPs from pools to Services of type LoadBalancer.
#[derive(Debug, Clone, Parser)]
#[command(name = "ferrolb-controller", version)]
pub struct Args {
    /// Flags shared with the speaker.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Serve Services with this `spec.loadBalancerClass`; without it, those that have
    /// none.
    #[arg(long, env = "FERROLB_LOAD_BALANCER_CLASS", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub load_balancer_class: Option<String>,

    /// Name of this pod (`metadata.name`); part of its identity as lease holder.
    #[arg(long, env = "FERROLB_POD_NAME", default_value = "controller")]
    pub pod_name: String,

    /// Lease duration in seconds: without a renewal for that time another replica takes
    /// over. The leader renews at a third of it and stops writing at two thirds.
    #[arg(long, env = "FERROLB_LEASE_SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u16).range(2..))]
    pub lease_seconds: u16,

    /// Maximum number of status writes in flight.
    #[arg(long, env = "FERROLB_STATUS_WRITES", default_value = "32")]
    pub status_writes: NonZeroUsize,
}

impl Args {
    /// The lease's timing.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            duration: Duration::from_secs(u64::from(self.lease_seconds)),
        }
    }
}
