//! The configuration: from its sources (the ConfigMap and MetalLB's resources) to what is accepted.

mod accepted;
mod overlap;
mod sources;
#[cfg(test)]
mod tests;

pub use accepted::AcceptedWrite;
pub use overlap::{Occupant, Occupied};
pub use sources::Doors;
