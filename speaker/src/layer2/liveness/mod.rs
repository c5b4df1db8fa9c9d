//! Whether the owners of IPs still answer on the LAN: which ones this node
//! watches (`targets`), and what their answers mean (`monitor`). Pure.

pub mod monitor;
pub mod targets;
