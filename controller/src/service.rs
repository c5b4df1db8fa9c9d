//! The parts of a Service that decisions need, in our own types.
//!
//! Pure; made from the API's object in `k8s::view`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::range::Family;
use ferrolb_core::selector::Labels;

/// One version of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Which Service.
    pub key: ObjectKey,
    /// `metadata.uid`; another Service may come later under the same name.
    pub uid: String,
    /// `metadata.resourceVersion`: a write from this view is refused by the API
    /// server if the Service has changed since.
    pub version: String,
    /// `metadata.creationTimestamp` in seconds since 1970.
    pub created: i64,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Whether `spec.type` is `LoadBalancer`.
    pub load_balancer: bool,
    /// `spec.loadBalancerClass`
    pub class: Option<String>,
    /// `spec.ipFamilies`, the primary family first.
    pub families: Vec<Family>,
    /// `spec.ipFamilyPolicy`
    pub policy: FamilyPolicy,
    /// `metadata.labels`
    pub labels: Labels,
    /// The addresses that the user requests by field or annotation.
    pub request: Request,
    /// The pool that the user requests, annotation `address-pool`.
    pub pool: Option<String>,
    /// The terms on which it shares an address; `None` if it does not. Annotation
    /// `allow-shared-ip`.
    pub terms: Option<Arc<Terms>>,
    /// Our condition `ferrolb.io/Allocated` in its status.
    pub allocated: Option<ObservedCondition>,
    /// Our condition `ferrolb.io/Announced` in its status.
    pub announced: Option<ObservedCondition>,
    /// The IPs of `status.loadBalancer.ingress`, in order.
    pub status: Vec<IpAddr>,
    /// Whether each entry of the status is an IP in `ipMode` VIP, as we write it.
    pub ingress_is_canonical: bool,
}

impl ServiceView {
    /// The Service as claimant of an address.
    #[must_use]
    pub fn claimant(&self) -> Claimant<'_> {
        Claimant {
            key: &self.key,
            terms: self.terms.as_ref(),
        }
    }

    /// Whether it concerns this controller: it needs addresses, or may have some.
    #[must_use]
    pub fn is_relevant(&self) -> bool {
        let has_condition = self.allocated.is_some() || self.announced.is_some();
        self.load_balancer || !self.status.is_empty() || has_condition
    }

    /// Orders Services by age; the older one goes first.
    #[must_use]
    pub fn seniority(&self) -> (i64, &ObjectKey) {
        (self.created, &self.key)
    }

    /// `metadata.resourceVersion` as a number. The API server promises from
    /// Kubernetes 1.35 on that versions of one kind compare as numbers, and
    /// with etcd behind it has always done so.
    #[must_use]
    pub fn version_number(&self) -> Option<u64> {
        self.version.parse().ok()
    }
}

/// A Service that claims an address, and the terms on which it shares one.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// The Service.
    pub key: &'a ObjectKey,
    /// Its terms; `None` if it does not share.
    pub terms: Option<&'a Arc<Terms>>,
}

/// The terms on which a Service shares its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Annotation `allow-shared-ip`; not empty.
    pub key: String,
    /// `spec.ports[]`: protocol and port.
    pub ports: BTreeSet<(Protocol, u16)>,
    /// `spec.selector` with `externalTrafficPolicy: Local`, else empty. Nodes
    /// without these pods must not attract the traffic.
    pub local: BTreeMap<String, String>,
    /// Annotation `allow-shared-ip-namespaces`: other namespaces it shares with.
    pub namespaces: BTreeSet<String>,
}

/// `spec.ports[].protocol`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `TCP`, the default.
    Tcp,
    /// `UDP`
    Udp,
    /// `SCTP`
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        })
    }
}

/// `status` of a condition (`metav1.ConditionStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionStatus {
    /// `True`
    True,
    /// `False`
    False,
    /// `Unknown`
    Unknown,
}

impl ConditionStatus {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    /// From its name in the API; any other text is `Unknown`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "True" => Self::True,
            "False" => Self::False,
            _ => Self::Unknown,
        }
    }
}

/// One of our conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `status`: whether the Service has what it requests, or whether its addresses
    /// are announced.
    pub status: ConditionStatus,
    /// `reason`: one of a fixed set.
    pub reason: &'static str,
    /// `message`: for people.
    pub message: String,
}

/// One of our conditions as read from the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCondition {
    /// `status`
    pub status: ConditionStatus,
    /// `reason`
    pub reason: String,
    /// `message`
    pub message: String,
    /// `lastTransitionTime`, as read.
    pub since: String,
}

impl ObservedCondition {
    /// Whether it has this content already.
    #[must_use]
    pub fn matches(&self, condition: &Condition) -> bool {
        self.status == condition.status
            && self.reason == condition.reason
            && self.message == condition.message
    }
}

/// `spec.ipFamilyPolicy`: whether one family is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// `SingleStack`, the default: the primary family only.
    Single,
    /// `PreferDualStack`: both if possible, else one.
    PreferDual,
    /// `RequireDualStack`: both or none.
    RequireDual,
}

/// The addresses that a user requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// None in particular.
    Any,
    /// These, one per family.
    These(Vec<IpAddr>),
    /// A value that cannot be parsed; why.
    Malformed(String),
}
