//! The gossip plane: who is alive, and what each speaker says about itself.
//! Membership and state come from chitchat over UDP, each datagram sealed.
//!
//! Who does what:
//! - `seal` and `parts` say how one message looks on the wire (pure);
//! - `transport` and `cluster` are the only files that name chitchat;
//! - `roster` turns what chitchat holds into a [`View`] (pure);
//! - `keeper` is the task that owns the roster and keeps the members in touch;
//! - [`Gossip`] is what the rest of the speaker holds.
//!
//! Nothing here knows what a key means, decides who owns an IP, or asks the
//! API server for anything.

mod cluster;
mod counters;
mod driver;
mod fragments;
mod handle;
mod roster;
mod seal;
mod transport;
mod view;

#[cfg(test)]
mod tests;

pub use counters::{GossipCounters, Refusal};
pub use handle::{Gossip, GossipError, GossipOptions};
pub use seal::{Key, KeyError, Keyring, OpenError, SealError};
pub use transport::Filter;
pub use view::{Member, View};
