//! The layer 2 announcer: one owner per IP, which answers ARP and NDP for it.
//!
//! Everything here is pure except `io`, which has the packet sockets and the
//! responder's thread. `agent` puts the parts together.

pub mod agent;
pub mod announcer;
pub mod election;
pub mod gossip_keys;
pub mod io;
pub mod links;
pub mod liveness;
pub mod prober;
pub mod snapshot;
pub mod wire;
