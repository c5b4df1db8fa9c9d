//! Gossip: which speakers are alive, and what each publishes about itself.
//! Membership and state come from chitchat over UDP, each datagram sealed.
//!
//! Who does what:
//! - `seal` and `fragments` define the format of a datagram (pure);
//! - `udp` makes the socket, `transport` and `cluster` adapt chitchat, and are
//!   the only files that name it;
//! - `roster` turns what chitchat holds into a [`View`] (pure);
//! - `driver` is the task that owns the roster and keeps the members in touch;
//! - [`Gossip`] is the handle for the rest of the speaker.
//!
//! Nothing here knows what a key means, decides who owns an IP, or reads the
//! API server.

mod cluster;
mod counters;
mod driver;
mod fragments;
mod handle;
mod roster;
mod seal;
mod transport;
mod udp;
mod view;

#[cfg(test)]
mod tests;

pub use counters::{DropReason, GossipCounters};
pub use handle::{Gossip, GossipError, GossipOptions};
pub use roster::{Incarnation, Observation, Roster, Version};
pub use seal::{Key, KeyError, Keyring, OpenError, SealError};
pub use transport::Filter;
pub use view::{Member, View};
