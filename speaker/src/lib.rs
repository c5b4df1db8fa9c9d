//! The speaker: a member of a gossip cluster that owns external IPs and answers
//! for them on the LAN.
//!
//! Pure: `wire`, `interfaces`, `reach`, `said`, `demand`, `facts`, `ownership`,
//! `asker`, `announcer`, `watchman`, `watchlist`, `news`, `testimony`,
//! `strict_arp`, and `conduct`, which makes one speaker of them. At the edge:
//! `gossip`, `net`, `k8s`. The `engine` is the one task between them.

pub mod announcer;
pub mod args;
pub mod asker;
pub mod conduct;
pub mod eligibility;
pub mod engine;
pub mod error;
pub mod facts;
pub mod gossip;
pub mod interfaces;
pub mod k8s;
pub mod metrics;
pub mod net;
pub mod news;
pub mod ownership;
pub mod reach;
mod run;
pub mod said;
pub mod strict_arp;
pub mod testimony;
pub mod watchlist;
pub mod watchman;
pub mod wire;

pub use run::run;
