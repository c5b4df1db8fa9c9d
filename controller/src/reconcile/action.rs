//! Inputs and actions of the reconciler, as plain values. Pure.

use std::fmt;
use std::net::IpAddr;

use ferrolb_api::pool::IPAddressPoolStatus;
use ferrolb_core::config::{Config, Faults};
use ferrolb_core::key::ObjectKey;

use crate::decide::{ConditionChange, Refusal, Released};
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

/// A configuration that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidConfig {
    /// `metadata.uid` of the ConfigMap.
    pub uid: String,
    /// All its faults.
    pub faults: Faults,
    /// The one accepted last, which stays active.
    pub in_force: Option<Config>,
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write a status.
    Write(StatusWrite),
    /// Report to the owner of a Service, as an Event.
    NotifyService(ServiceNotice),
    /// Report that the configuration was rejected, as an Event.
    NotifyConfig(InvalidConfig),
    /// Report how full a pool is, as an Event.
    NotifyPool(PoolNotice),
    /// Do a write that can wait, and call
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

/// A write that no Service waits for.
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

/// A warning about a pool that fills up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolNotice {
    /// The pool's name.
    pub pool: String,
    /// `metadata.uid` of its `IPAddressPool`; `None` if it is in the ConfigMap.
    pub uid: Option<String>,
    /// Reason of the Event.
    pub reason: &'static str,
    /// The message.
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
    /// The change of our condition `ferrolb.io/Allocated`.
    pub allocated: ConditionChange,
    /// That condition as read: its time stays unless its status changes.
    pub observed_allocated: Option<ObservedCondition>,
    /// The change of our condition `ferrolb.io/Announced`.
    pub announced: ConditionChange,
    /// That condition as read.
    pub observed_announced: Option<ObservedCondition>,
}

/// How a status write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The Service as it is now.
    Done(Box<ServiceView>),
    /// The Service has changed since that version; the watch will show it.
    Outdated,
    /// It failed, or it is unknown whether it did.
    Failed,
}

/// A message to the owner of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceNotice {
    /// Which Service.
    pub key: ObjectKey,
    /// Its `metadata.uid`.
    pub uid: String,
    /// The message.
    pub notice: Notice,
}

/// What happened to a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Its status shows addresses now; which, and from which pools.
    Assigned(String),
    /// It does not get what it requests.
    Refused(Refusal),
    /// It must release an address.
    Released(Released),
    /// Another host uses the address that it requests.
    Conflict {
        /// The address, which it keeps.
        ip: IpAddr,
        /// The hardware address of the other host.
        mac: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assigned(text) => f.write_str(text),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Released(released) => released.fmt(f),
            Self::Conflict { ip, mac } => write!(
                f,
                "Not announcing {ip}: another host ({mac}) uses it on the LAN. Kept because the Service requests it explicitly; remove the address from that host or request another one"
            ),
        }
    }
}
