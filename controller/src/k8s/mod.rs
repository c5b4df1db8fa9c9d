//! Everything that talks to the API server. Thin: it translates and sends, and
//! decides nothing.

mod accepted_writer;
pub mod chores;
mod cluster_ranges;
pub mod config_sources;
pub mod events;
pub mod input;
pub mod lease;
mod nodes;
mod queue;
pub mod reports;
pub mod secret;
pub mod status;
pub mod view;
pub mod watches;
