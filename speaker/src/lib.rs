//! The speaker: a member of a gossip cluster that owns external IPs and answers ARP
//! and NDP for them on the LAN.
//!
//! `eligibility` and `layer2` (except `layer2::io`) are pure and decide; `gossip`,
//! `layer2::io`, `host`, `k8s` and `report` are at the edge. `engine` is the one
//! task between them, `run` wires everything together.

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
