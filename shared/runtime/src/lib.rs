//! Process plumbing shared by the controller and the speaker: arguments, logs,
//! the metrics and health listener, readiness, watched tasks, shutdown, and the
//! way both talk to the API server.
//!
//! Nothing here knows what FerroLB decides; nothing here is pure enough to be
//! in `ferrolb-core`.

pub mod args;
pub mod http;
pub mod kube;
pub mod logs;
pub mod metrics;
pub mod outage;
pub mod ready;
pub mod retry;
pub mod shutdown;
pub mod state_page;
pub mod tasks;
