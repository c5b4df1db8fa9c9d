//! A Service as the decisions see it: only what they need, in our own types.
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
    /// What the user asks for by field or annotation.
    pub request: Request,
    /// The pool the user asks for, annotation `address-pool`.
    pub pool: Option<String>,
    /// On which terms it shares an address; none if it does not, annotation
    /// `allow-shared-ip`.
    pub terms: Option<Arc<Terms>>,
    /// Our condition `ferrolb.io/Allocated` as the status shows it.
    pub condition: Option<ObservedCondition>,
    /// Our condition `ferrolb.io/Announced` as the status shows it.
    pub announced: Option<ObservedCondition>,
    /// The IPs of `status.loadBalancer.ingress`, in order.
    pub status: Vec<IpAddr>,
    /// Whether each entry of the status is an IP in `ipMode` VIP, as we write it.
    pub ingress_is_canonical: bool,
}

impl ServiceView {
    /// Itself as one who wants an address.
    #[must_use]
    pub fn claimant(&self) -> Claimant<'_> {
        Claimant {
            key: &self.key,
            terms: self.terms.as_ref(),
        }
    }

    /// Whether it concerns us: it wants addresses, or its status may show ours.
    #[must_use]
    pub fn is_relevant(&self) -> bool {
        let has_condition = self.condition.is_some() || self.announced.is_some();
        self.load_balancer || !self.status.is_empty() || has_condition
    }

    /// Orders Services by age; the older has the better right to an address.
    #[must_use]
    pub fn seniority(&self) -> (i64, &ObjectKey) {
        (self.created, &self.key)
    }

    /// `metadata.resourceVersion` as a number. The API server promises from
    /// Kubernetes 1.35 on that versions of one kind compare as numbers, and
    /// with etcd behind it always kept to that.
    #[must_use]
    pub fn version_number(&self) -> Option<u64> {
        self.version.parse().ok()
    }
}

/// Who wants an address: a Service and the terms on which it shares one.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// Which Service.
    pub key: &'a ObjectKey,
    /// Its terms; none if it does not share.
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
    /// `TCP`, also if nothing is said.
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

/// `status` of a condition, in Kubernetes' words (`metav1.ConditionStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Nobody can tell.
    Unknown,
}

impl ConditionStatus {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    /// As the API writes it; what is none of its words tells nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text {
            "True" => Self::True,
            "False" => Self::False,
            _ => Self::Unknown,
        }
    }
}

/// What one of our conditions says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `status`: whether all is well, that is the Service has what it asks for,
    /// or its addresses are announced.
    pub status: ConditionStatus,
    /// `reason`: one word of a fixed set.
    pub reason: &'static str,
    /// `message`: for people.
    pub message: String,
}

/// One of our conditions as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCondition {
    /// `status`
    pub status: ConditionStatus,
    /// `reason`
    pub reason: String,
    /// `message`
    pub message: String,
    /// `lastTransitionTime`, handed back as it was read.
    pub since: String,
}

impl ObservedCondition {
    /// Whether it says this already.
    #[must_use]
    pub fn says(&self, condition: &Condition) -> bool {
        self.status == condition.status
            && self.reason == condition.reason
            && self.message == condition.message
    }
}

/// `spec.ipFamilyPolicy`: whether one family is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// `SingleStack`, also if nothing is said: the primary family only.
    Single,
    /// `PreferDualStack`: both if possible, else one.
    PreferDual,
    /// `RequireDualStack`: both or none.
    RequireDual,
}

/// The addresses a user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Any will do.
    Any,
    /// These, one per family.
    These(Vec<IpAddr>),
    /// Something was written that cannot be understood; why.
    Malformed(String),
}
