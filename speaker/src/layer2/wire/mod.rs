//! The frames on the LAN, and which request gets which answer. Pure: bytes and
//! values in, bytes and values out. `arp` is for IPv4 and `ndp` for IPv6; `frame`
//! is either; `emit` has the bytes that we send.

pub mod answer;
pub mod arp;
pub mod bytes;
mod emit;
pub mod frame;
pub mod ndp;
pub mod sightings;
