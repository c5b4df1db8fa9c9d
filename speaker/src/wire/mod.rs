//! What is said on the LAN: addresses, frames, and which question gets which
//! answer. Pure: bytes and values in, bytes and values out; no sockets, no
//! clock. IPv6 neighbour discovery will be a sibling of `arp`.

pub mod answer;
pub mod arp;
pub mod mac;
pub mod sightings;
