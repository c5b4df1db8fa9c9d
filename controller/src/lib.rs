//! The controller: allocates external IPs from pools to Services of type
//! LoadBalancer and writes them to their status.
//!
//! Decisions are pure and in `allocator`, `decide`, `reconcile` and `lease`;
//! `k8s` talks to the API server, `engine` joins the two.

pub mod allocator;
pub mod args;
pub mod config;
pub mod config_log;
pub mod decide;
pub mod engine;
pub mod error;
pub mod k8s;
pub mod lease;
pub mod metrics;
pub mod reconcile;
mod run;
pub mod service;
#[cfg(test)]
mod tests;

pub use run::run;
