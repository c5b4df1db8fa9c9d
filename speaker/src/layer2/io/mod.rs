//! Packet sockets and the thread that answers on them. I/O only: `wire` decides
//! which frame gets which answer.

pub mod counters;
pub mod responder;
pub mod socket;
pub mod watchdog;
