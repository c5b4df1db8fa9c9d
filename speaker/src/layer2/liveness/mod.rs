//! Whether the owners of IPs still answer on the LAN: the probes that this node sends
//! (`targets`), and what the answers show (`monitor`). Pure.

pub mod monitor;
pub mod targets;
