//! What the configuration's sources report, and what follows from it. Pure:
//! plain values.

use std::collections::BTreeMap;

use ferrolb_core::change::Change;
use ferrolb_core::config::{Faults, Kind, Object, Warning};

use super::ClusterObject;
use crate::reconcile::ConfigState;

/// A change at one of the sources.
#[derive(Debug)]
pub enum SourceEvent {
    /// The administrator's ConfigMap; `None` when it does not exist.
    ConfigMap(Option<ConfigMapView>),
    /// The ConfigMap that stores the accepted configuration.
    Accepted(Option<ConfigMapView>),
    /// Addresses of Nodes and of the pods on them.
    Nodes(Change<ClusterObject, String>),
    /// Addresses that Services have inside the cluster.
    ServiceCidrs(Change<ClusterObject, String>),
    /// Objects of a kind, in all namespaces.
    Objects(Kind, Change<ConfigObject>),
    /// The API server serves these kinds.
    Served(Vec<Kind>),
}

/// A ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMapView {
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.resourceVersion`
    pub version: Option<String>,
    /// The annotation that names what an accepted configuration was made from.
    pub made_from: Option<String>,
    /// `data`
    pub data: BTreeMap<String, String>,
}

/// One of MetalLB's resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigObject {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.generation`: unlike the version it stays when a status is written.
    pub generation: i64,
    /// What the configuration is read from.
    pub object: Object,
}

/// What follows from a change.
#[derive(Debug)]
pub enum ConfigOutput {
    /// The configuration as it is now.
    State(ConfigState),
    /// Something to report about an object of the configuration, as an Event.
    Notice(ConfigNotice),
    /// Something to log.
    Log(ConfigLog),
}

/// A log entry about the configuration.
#[derive(Debug)]
pub enum ConfigLog {
    /// A part of the configuration has no effect, or not the one intended.
    Warning(Warning),
    /// A pool overlaps addresses of the cluster itself.
    Overlap {
        /// The pool's name.
        pool: String,
        /// The ranges, and whose they are.
        overlap: String,
    },
    /// The stored configuration cannot be read.
    Unreadable(Faults),
    /// The configuration cannot be stored.
    Unwritable(String),
}

/// Something to report about an object of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigNotice {
    /// Kind of the object.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Reason of the Event.
    pub reason: &'static str,
    /// Message of the Event.
    pub note: String,
}
