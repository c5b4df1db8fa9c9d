//! The bench's own station on a LAN: a socket that speaks ARP, and a watcher
//! that asks without end who has an IP.

pub(crate) mod heard;
pub(crate) mod socket;
pub(crate) mod watcher;
