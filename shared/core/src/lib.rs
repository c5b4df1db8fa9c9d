//! The pure part of FerroLB: names, address ranges and configuration rules.
//!
//! Values in, values out: no clock, no sockets, no files, no async, no
//! Kubernetes client. Both programs and all suites build on this crate.

pub mod announcement;
pub mod config;
pub mod key;
pub mod mac;
pub mod names;
pub mod range;
pub mod selector;
pub mod text;
