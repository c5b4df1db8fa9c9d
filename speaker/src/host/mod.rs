//! The node this speaker runs on: the kernel's links and settings.
//!
//! `interfaces` and `strict_arp` are pure; `links` follows rtnetlink events and
//! `strict_arp_watch` reads `/proc`.

pub mod interfaces;
pub mod links;
pub mod strict_arp;
pub mod strict_arp_watch;
