//! What the watches show, and what all of them have in common.

use std::collections::BTreeSet;
use std::future::Future;

use ferrolb_core::key::ObjectKey;
use ferrolb_core::selector::Labels;
use ferrolb_runtime::kube::Change;
use kube::runtime::watcher;
use tokio::sync::mpsc;

use crate::decide::Namespaces;
use crate::reconcile::{Announcement, PoolObject, Seen};
use crate::service::ServiceView;

/// After this many seconds a watch is asked for anew, so that a connection
/// that died in silence is noticed.
const WATCH_SECONDS: u32 = 60;

/// What the watches show.
#[derive(Debug)]
pub enum Input {
    /// These are all Services there are.
    Services(Vec<ServiceView>),
    /// A Service is new or has changed.
    Service(Box<ServiceView>),
    /// A Service is gone.
    Deleted(ObjectKey),
    /// These are all namespaces there are.
    Namespaces(Namespaces),
    /// A namespace has these labels; none if it is gone.
    Namespace(String, Option<Labels>),
    /// The configuration of both doors, and what tells it from another.
    Config(Seen, Option<String>),
    /// Something to tell about an object of the configuration.
    Objection(Objection),
    /// The names of all Nodes that are Ready.
    Nodes(BTreeSet<String>),
    /// Whether the Node of this name is Ready; one that is gone is not.
    Node(String, bool),
    /// What the speakers say.
    Announcements(Change<Announcement>),
    /// `IPAddressPool`s as objects with a status.
    Pools(Change<PoolObject>),
}

/// Something to tell whoever looks after an object of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
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
    /// What to say.
    pub note: String,
}

pub(super) fn watcher_config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}

pub(super) fn send(sender: &mpsc::Sender<Input>, input: Input) -> impl Future<Output = ()> {
    let sender = sender.clone();
    async move {
        // Nobody listens any more only when this task is about to be aborted.
        let _unheard = sender.send(input).await;
    }
}
