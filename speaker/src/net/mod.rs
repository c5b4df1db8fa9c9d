//! The kernel's side of the LAN: packet sockets and link events. I/O only;
//! what is answered, reported and suitable is decided in `wire` and `interfaces`.

pub mod links;
pub mod strict_arp;
