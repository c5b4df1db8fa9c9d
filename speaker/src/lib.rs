//! The speaker: a member of a gossip cluster that owns external IPs and answers
//! for them on the LAN.
//!
//! Pure: `wire`, `interfaces`, `reach`, `said`, `demand`, `facts`, `ownership`,
//! `asker`, `announcer`, `monitor`, `watchlist`, `news`, `testimony`,
//! `strict_arp`, and `agent`, which makes one speaker of them. At the edge:
//! `gossip`, `net`, `k8s`. The `engine` is the one task between them.

pub mod args;
pub mod eligibility;
pub mod engine;
pub mod error;
pub mod gossip;
pub mod host;
pub mod k8s;
pub mod layer2;
pub mod metrics;
pub mod report;
mod run;

pub use run::run;
