//! Types and rules shared by both programs: object keys, MAC addresses, address
//! ranges, label selectors and the configuration.
//!
//! Pure: values in, values out; no clock, sockets, files, async or Kubernetes
//! client.

pub mod announcement;
pub mod change;
pub mod config;
pub mod ineligible;
pub mod key;
pub mod mac;
pub mod names;
pub mod range;
pub mod selector;
pub mod text;
