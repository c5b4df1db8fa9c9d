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
    /// What every program of FerroLB takes.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Serve only Services whose spec.loadBalancerClass is exactly this; without it,
    /// only Services that name no class.
    #[arg(long, env = "FERROLB_LOAD_BALANCER_CLASS", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub load_balancer_class: Option<String>,

    /// Name of this pod; part of the name it holds the lease under.
    #[arg(long, env = "FERROLB_POD_NAME", default_value = "controller")]
    pub pod_name: String,

    /// Seconds without a renewal after which another replica takes the lease over.
    /// The active one renews at a third of it and stops writing at two thirds.
    #[arg(long, env = "FERROLB_LEASE_SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u16).range(2..))]
    pub lease_seconds: u16,

    /// How many status writes may be under way at once.
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
