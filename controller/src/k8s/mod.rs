//! Everything that talks to the API server. Thin: it translates and sends, and
//! decides nothing.

pub mod chores;
pub mod doors;
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
