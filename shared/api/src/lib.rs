//! MetalLB's resources as types, with the schema and the rules by which the
//! API server itself refuses most faults. `config/crd` is made from these.
//!
//! Not read from: what a configuration means is decided in `ferrolb-core`, on
//! the objects as they come. Plain types; nothing here talks to anybody.

pub mod bgp;
pub mod crds;
pub mod l2;
pub mod l2_status;
pub mod pool;
pub mod selector;
pub mod views;
