//! Names of Kubernetes objects. Pure.

use std::fmt;

/// `metadata.name` of a Node. An alias, not a type of its own: node names only
/// pass through, from the API server and gossip to maps and back.
pub type NodeName = String;

/// Namespace and name of a namespaced object; displayed as `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace, self.name)
    }
}
