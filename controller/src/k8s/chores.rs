//! Does what may wait, a few at a time beside the status writes and not among
//! them, so that no address waits behind it: pool statuses, and objects left
//! behind. Nothing is sent after the time up to which we lead.

use std::time::Duration;

use ferrolb_core::names::CONTROLLER;
use ferrolb_core::text::Chain;
use futures::FutureExt;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;

use super::leadership::{Leadership, while_leading};
use super::queue::Queue;
use super::status_objects::{address_pools, l2_statuses};
use crate::reconcile::BackgroundWrite;

/// How many are under way at once.
const LIMIT: usize = 4;

/// The longest one is waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Chores, waiting and under way.
pub struct Chores(Queue<BackgroundWrite, (BackgroundWrite, bool)>);

impl Chores {
    /// None yet. `namespace` is ours.
    #[must_use]
    pub fn new(client: Client, leadership: watch::Receiver<Leadership>, namespace: String) -> Self {
        Self(Queue::new(LIMIT, move |chore| {
            let (client, namespace) = (client.clone(), namespace.clone());
            let leadership = leadership.clone();
            let attempt = async move {
                let done = attempt(client, &namespace, &leadership, &chore).await;
                (chore, done)
            };
            attempt.boxed()
        }))
    }

    /// Does it as soon as there is room.
    pub fn push(&mut self, chore: BackgroundWrite) {
        self.0.push(chore);
    }

    /// The next one that ended, and whether it is done; waits for ever if there
    /// is none.
    pub async fn next(&mut self) -> (BackgroundWrite, bool) {
        self.0.next().await
    }

    /// Breaks off everything.
    pub fn abandon(&mut self) {
        self.0.abandon();
    }
}

async fn attempt(
    client: Client,
    namespace: &str,
    leadership: &watch::Receiver<Leadership>,
    chore: &BackgroundWrite,
) -> bool {
    let request = carry_out(client, namespace, chore);
    let done = while_leading(leadership, REQUEST_TIMEOUT, request).await;
    match done {
        Ok(Ok(())) => true,
        // It has changed or gone meanwhile; the watch will show it.
        Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => false,
        Ok(Err(error)) => {
            tracing::warn!(write = ?chore, error = %Chain(&error), "background write failed; retrying later");
            false
        }
        Err(_) => false,
    }
}

async fn carry_out(client: Client, namespace: &str, chore: &BackgroundWrite) -> kube::Result<()> {
    match chore {
        BackgroundWrite::PoolStatus { name, uid, counts } => {
            let pools: Api<DynamicObject> =
                Api::namespaced_with(client, namespace, &address_pools());
            let body = json!({"metadata": {"uid": uid}, "status": counts});
            let params = PatchParams {
                field_manager: Some(CONTROLLER.to_owned()),
                ..PatchParams::default()
            };
            let body = Patch::Merge(body);
            let request = pools.patch_status(name, &params, &body);
            request.await.map(drop)
        }
        BackgroundWrite::DeleteOrphan { name, uid, version } => {
            let statuses: Api<DynamicObject> =
                Api::namespaced_with(client, namespace, &l2_statuses());
            let params = DeleteParams::default().preconditions(Preconditions {
                uid: Some(uid.clone()),
                resource_version: Some(version.clone()),
            });
            statuses.delete(name, &params).await.map(drop)
        }
    }
}
