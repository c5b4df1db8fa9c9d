//! Many speakers in virtual time: the shipped agent, over a gossip network and a LAN
//! that lose, delay, duplicate and reorder messages and are partitioned and healed, on
//! machines that freeze, die and return. Claims about the whole cluster, each checked
//! with many seeds.

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
