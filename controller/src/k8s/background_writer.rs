//! Carries out low-priority writes, a few at a time beside the status writes so
//! that no address waits behind them: pool statuses, and deletions of orphaned
//! objects. Nothing is sent after the Lease ends.

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

/// Writes in flight at once.
const LIMIT: usize = 4;

/// The longest wait for one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Background writes, queued and in flight.
pub struct BackgroundWriter(Queue<BackgroundWrite, (BackgroundWrite, bool)>);

impl BackgroundWriter {
    /// An empty queue. `namespace` is ours.
    #[must_use]
    pub fn new(client: Client, leadership: watch::Receiver<Leadership>, namespace: String) -> Self {
        Self(Queue::new(LIMIT, move |write| {
            let (client, namespace) = (client.clone(), namespace.clone());
            let leadership = leadership.clone();
            let attempt = async move {
                let done = attempt(client, &namespace, &leadership, &write).await;
                (write, done)
            };
            attempt.boxed()
        }))
    }

    /// Queues a write.
    pub fn push(&mut self, write: BackgroundWrite) {
        self.0.push(write);
    }

    /// The next write that ended, and whether it succeeded; pending while none is
    /// in flight.
    pub async fn next(&mut self) -> (BackgroundWrite, bool) {
        self.0.next().await
    }

    /// Aborts everything.
    pub fn abort(&mut self) {
        self.0.abort();
    }
}

async fn attempt(
    client: Client,
    namespace: &str,
    leadership: &watch::Receiver<Leadership>,
    write: &BackgroundWrite,
) -> bool {
    let request = carry_out(client, namespace, write);
    let done = while_leading(leadership, REQUEST_TIMEOUT, request).await;
    match done {
        Ok(Ok(())) => true,
        // It has changed or gone meanwhile; the watch will show it.
        Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => false,
        Ok(Err(error)) => {
            tracing::warn!(write = ?write, error = %Chain(&error), "background write failed; retrying later");
            false
        }
        Err(_) => false,
    }
}

async fn carry_out(client: Client, namespace: &str, write: &BackgroundWrite) -> kube::Result<()> {
    match write {
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
