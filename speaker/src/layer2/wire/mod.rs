//! What is said on the LAN: addresses, frames, and which question gets which
//! answer. Pure: bytes and values in, bytes and values out; no sockets, no
//! clock. `arp` speaks for IPv4 and `ndp` for IPv6; `frame` is either.

pub mod answer;
pub mod arp;
pub mod bytes;
mod emit;
pub mod frame;
pub mod ndp;
pub mod sightings;
