//! How both programs talk to the API server: a client, watches reduced to
//! three verbs, and Events. An API server that refuses connections is waited for; it is
//! never a reason to exit.

mod client;
pub mod events;
mod watch;

pub use client::{ClientError, client};
pub use watch::{Change, watch, watch_as};
