//! What matters of each Kubernetes object, and nothing else: a speaker holds
//! one of these per object in memory.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ferrolb_core::key::{NodeName, ObjectKey};
use ferrolb_core::selector::Labels;

/// A Service of type LoadBalancer that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Its name.
    pub key: ObjectKey,
    /// `metadata.uid`, by which Events name it.
    pub uid: String,
    /// `metadata.labels`, by which advertisements select Services.
    pub labels: Labels,
    /// `status.loadBalancer.ingress[].ip`, without those of `ipMode: Proxy`.
    pub ips: Vec<IpAddr>,
    /// `spec.externalTrafficPolicy` is `Local`.
    pub local: bool,
}

/// An EndpointSlice of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceView {
    /// Its name.
    pub key: ObjectKey,
    /// The Service it belongs to (label `kubernetes.io/service-name`).
    pub service: ObjectKey,
    /// `addressType` is `IPv6`.
    pub ipv6: bool,
    /// Its endpoints that serve: ready, or serving while terminating.
    pub serving: Vec<Endpoint>,
}

/// An endpoint that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `nodeName`; an endpoint outside the cluster has none.
    pub node: Option<NodeName>,
}

/// A Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// `metadata.name`.
    pub name: NodeName,
    /// `metadata.labels`, by which advertisements select nodes.
    pub labels: Labels,
    /// The keys of `spec.taints`.
    pub taints: BTreeSet<String>,
    /// Its condition `NetworkUnavailable` is true.
    pub network_unavailable: bool,
}
