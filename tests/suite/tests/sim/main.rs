//! Many speakers in virtual time: the agent of the real ones, over a gossip
//! network and a LAN that lose, delay, duplicate and reorder, are cut and healed,
//! with machines that stand still, die and come back. Claims about what the whole
//! cluster does, each on many seeds.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "every line here is a test"
)]

mod detector;
mod events;
mod fault;
mod host;
mod member;
mod moves;
mod net;
mod one_owner;
mod oracle;
mod pair;
mod partitions;
mod ports;
mod replay;
mod rest;
mod scene;
mod speaker;
mod world;
