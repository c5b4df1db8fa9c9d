//! The configuration: from what its sources report (the ConfigMap and MetalLB's
//! resources) to what is accepted and in force. Pure: changes in; configurations,
//! notices and log entries out.

mod accepted;
mod cluster_ranges;
mod event;
mod objects;
mod sources;
#[cfg(test)]
mod tests;

pub use accepted::AcceptedWrite;
pub use cluster_ranges::{ClusterObject, RangeKind, ReservedRange};
pub use event::{ConfigLog, ConfigMapView, ConfigNotice, ConfigObject, ConfigOutput, SourceEvent};
pub use sources::ConfigSources;
