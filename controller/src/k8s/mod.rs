//! Everything that talks to the API server: watches, conversions and writes. All
//! decisions are made elsewhere.

mod accepted_writer;
pub mod background_writer;
mod cluster_ranges;
pub mod config_sources;
pub mod events;
pub mod input;
pub mod leadership;
pub mod lease;
mod nodes;
mod queue;
pub mod secret;
pub mod status;
mod status_objects;
pub mod view;
pub mod watches;
