//! What the reconciler hears and what it asks for. Plain values.

use std::fmt;
use std::net::IpAddr;

use ferrolb_api::pool::IPAddressPoolStatus;
use ferrolb_core::config::{Config, Faults};
use ferrolb_core::key::ObjectKey;

use crate::decide::{ConditionChange, Lost, Refusal};
use crate::service::{ObservedCondition, ServiceView};

/// The configuration as last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigState {
    /// Without faults; becomes active.
    Valid(Config),
    /// Rejected; the active one stays.
    Invalid(InvalidConfig),
    /// No source has a configuration; this one was accepted last.
    Absent(Option<Config>),
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidConfig {
    /// `metadata.uid` of the ConfigMap.
    pub uid: String,
    /// All that is wrong with it.
    pub faults: Faults,
    /// What was accepted last, and stays in force.
    pub in_force: Option<Config>,
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write a status.
    Write(StatusWrite),
    /// Tell the owner of a Service; as an Event.
    NotifyService(ServiceNotice),
    /// Tell the administrator that the configuration is not used; as an Event.
    NotifyConfig(InvalidConfig),
    /// Tell the administrator how full a pool is; as an Event.
    NotifyPool(PoolNotice),
    /// Do something that may wait, and call
    /// [`Reconciler::background_ended`](super::Reconciler::background_ended) afterwards.
    Background(BackgroundWrite),
    /// Call [`Reconciler::reconcile`](super::Reconciler::reconcile) after a pause that
    /// grows with the number of failures.
    Retry {
        /// Which Service.
        key: ObjectKey,
        /// How many writes in a row have failed; from 1.
        failures: u32,
    },
}

/// What can be done when there is nothing better to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackgroundWrite {
    /// Write the status of an `IPAddressPool`.
    PoolStatus {
        /// Which pool.
        name: String,
        /// Its `metadata.uid`.
        uid: String,
        /// What to write.
        counts: IPAddressPoolStatus,
    },
    /// Delete a `ServiceL2Status` that its speaker left behind, unless it has
    /// changed since.
    DeleteOrphan {
        /// `metadata.name`
        name: String,
        /// `metadata.uid`
        uid: String,
        /// `metadata.resourceVersion`
        version: String,
    },
}

/// News of a pool that fills up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolNotice {
    /// The pool's name.
    pub pool: String,
    /// `metadata.uid` of its `IPAddressPool`; none if it is in the ConfigMap.
    pub uid: Option<String>,
    /// Reason of the Event.
    pub reason: &'static str,
    /// What to say.
    pub note: String,
}

/// A status to be written, valid only for the version it was decided from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusWrite {
    /// Which Service.
    pub key: ObjectKey,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.resourceVersion` when this was decided.
    pub version: String,
    /// The addresses to show, none to clear.
    pub addresses: Vec<IpAddr>,
    /// What our condition `ferrolb.io/Allocated` is to say.
    pub condition: ConditionChange,
    /// That condition as it is: its time stays unless it turns.
    pub shown: Option<ObservedCondition>,
    /// What our condition `ferrolb.io/Announced` is to say.
    pub announced: ConditionChange,
    /// That condition as it is.
    pub shown_announced: Option<ObservedCondition>,
}

/// How a status write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The Service as it is now.
    Done(Box<ServiceView>),
    /// The Service has changed since the version named; the watch will show it.
    Outdated,
    /// It failed, or nobody knows whether it did.
    Failed,
}

/// News for the owner of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceNotice {
    /// Which Service.
    pub key: ObjectKey,
    /// Its `metadata.uid`.
    pub uid: String,
    /// What to say.
    pub notice: Notice,
}

/// What there is to say about a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Its status shows addresses now; which, and from where.
    Assigned(String),
    /// It does not get what it needs.
    Refused(Refusal),
    /// It may not keep an address.
    Lost(Lost),
    /// A stranger uses the address it asks for.
    Conflict {
        /// The address, which it keeps.
        ip: IpAddr,
        /// The stranger's hardware address.
        mac: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assigned(text) => f.write_str(text),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Lost(lost) => lost.fmt(f),
            Self::Conflict { ip, mac } => write!(
                f,
                "Not announcing {ip}: another host ({mac}) uses it on the LAN. Kept because the Service requests it explicitly; remove the address from that host or request another one"
            ),
        }
    }
}
