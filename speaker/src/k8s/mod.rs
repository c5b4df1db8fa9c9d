//! The speaker's side of the API server: what it watches, turned into small
//! views and handed to the engine, and the gossip key it reads once.

mod convert;
mod nodes;
mod secret;
mod watches;

pub use convert::Accepted;
pub use nodes::count_nodes;
pub use secret::{SecretError, gossip_key};
pub use watches::{Update, Watches};
