//! Packet sockets and the thread that answers on them. I/O only: which frame
//! gets which answer is decided in `wire`.

pub mod counters;
pub mod responder;
pub mod socket;
pub mod watchdog;
