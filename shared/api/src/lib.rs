//! MetalLB's resources as types, with schemas and rules with which the API server
//! rejects most faults; `config/crd` is generated from them. Also the types of status
//! objects and of `/state`.
//!
//! The `spec` types only generate the CRDs: `ferrolb-core` reads configuration objects
//! in their raw form, to report every fault with its path. Pure: plain types.

pub mod bgp;
pub mod crds;
pub mod l2;
pub mod l2_status;
pub mod pool;
pub mod selector;
pub mod views;
