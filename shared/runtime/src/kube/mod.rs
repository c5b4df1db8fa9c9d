//! How both programs talk to the API server: a client, discovery, watches
//! reduced to three verbs, and Events. An API server that refuses connections is
//! waited for; it is never a reason to exit.

mod client;
mod discovery;
pub mod events;
mod watch;

pub use client::{ClientError, client};
pub use discovery::Discovery;
pub use ferrolb_core::change::Change;
pub use watch::{object_key, watch};
