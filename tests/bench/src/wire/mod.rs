//! The bench's own host on a LAN: a socket for ARP, and a watcher that repeatedly
//! requests an IP.

pub(crate) mod observed;
pub(crate) mod socket;
pub(crate) mod watcher;
