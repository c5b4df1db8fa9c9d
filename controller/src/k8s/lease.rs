//! Makes the requests that [`Election`] decides on, and publishes whether we lead.

use std::time::{Duration, Instant};

use ferrolb_core::names::LEASE;
use ferrolb_core::text::Chain;
use ferrolb_runtime::outage::Outage;
use ferrolb_runtime::ready::Guard;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::leadership::Leadership;
use crate::lease::{Election, Record, Step, Timing};

/// The task that takes part in the election.
#[derive(Debug)]
pub struct Elector {
    leases: Api<Lease>,
    timing: Timing,
    election: Election,
    leadership: watch::Sender<Leadership>,
    /// Dropped once the lease has been seen.
    unseen: Option<Guard>,
    outage: Outage,
}

impl Elector {
    /// A candidate under a name that no other process has.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        identity: String,
        timing: Timing,
        unseen: Guard,
    ) -> (Self, watch::Receiver<Leadership>) {
        let (leadership, receiver) = watch::channel(Leadership::default());
        let elector = Self {
            leases: Api::namespaced(client, namespace),
            timing,
            election: Election::new(identity, timing, Instant::now()),
            leadership,
            unseen: Some(unseen),
            outage: Outage::default(),
        };
        (elector, receiver)
    }

    /// Takes part until cancelled; then, once `quiet` says that no write is
    /// under way, releases the lease if it is ours.
    pub async fn run(mut self, cancel: CancellationToken, quiet: CancellationToken) {
        while !cancel.is_cancelled() {
            let step = self.election.step(Instant::now());
            self.publish();
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.carry_out(step) => {}
            }
            self.publish();
        }
        let waited = tokio::time::timeout(self.timing.renew_deadline(), quiet.cancelled()).await;
        if waited.is_ok() {
            self.release().await;
        }
    }

    async fn carry_out(&mut self, step: Step) {
        match step {
            Step::Wait(pause) => tokio::time::sleep(pause).await,
            Step::Read => self.read().await,
            Step::Create => self.create().await,
            Step::Take(record) => {
                let transitions = record.transitions.saturating_add(1);
                let body = json!({"acquireTime": now(), "leaseTransitions": transitions});
                self.patch(&record, body).await;
            }
            Step::Renew(record) => self.patch(&record, json!({})).await,
        }
    }

    async fn read(&mut self) {
        let leases = self.leases.clone();
        match self.request(leases.get_opt(LEASE)).await {
            Some(Ok(lease)) => {
                let record = lease.map(|lease| self.record(&lease));
                self.election.observed(record, Instant::now());
                self.unseen = None;
            }
            Some(Err(_)) | None => self.election.failed(Instant::now()),
        }
    }

    async fn create(&mut self) {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(LEASE.to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.election.identity().to_owned()),
                lease_duration_seconds: Some(self.seconds()),
                lease_transitions: Some(0),
                acquire_time: Some(now()),
                renew_time: Some(now()),
                ..LeaseSpec::default()
            }),
        };
        let leases = self.leases.clone();
        let sent = Instant::now();
        let params = PostParams::default();
        let answer = self.request(leases.create(&params, &lease)).await;
        self.claimed(answer, sent);
    }

    /// Claims the lease as it was in `record`; refused if it has changed since.
    async fn patch(&mut self, record: &Record, more: Value) {
        let mut spec = more;
        spec["holderIdentity"] = json!(self.election.identity());
        spec["leaseDurationSeconds"] = json!(self.seconds());
        spec["renewTime"] = json!(now());
        let body = json!({"metadata": {"resourceVersion": record.version}, "spec": spec});
        let leases = self.leases.clone();
        let sent = Instant::now();
        let (params, patch) = (PatchParams::default(), Patch::Merge(body));
        let answer = self.request(leases.patch(LEASE, &params, &patch)).await;
        self.claimed(answer, sent);
    }

    fn claimed(&mut self, answer: Option<kube::Result<Lease>>, sent: Instant) {
        match answer {
            Some(Ok(lease)) => {
                let record = self.record(&lease);
                self.election.acquired(record, sent);
            }
            Some(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => {
                self.election.refused(Instant::now());
            }
            Some(Err(_)) | None => self.election.failed(Instant::now()),
        }
    }

    async fn release(&mut self) {
        let Some(record) = self.election.held() else {
            return;
        };
        let body = json!({
            "metadata": {"resourceVersion": record.version},
            "spec": {"holderIdentity": null, "renewTime": now()},
        });
        let leases = self.leases.clone();
        let (params, patch) = (PatchParams::default(), Patch::Merge(body));
        if let Some(Ok(_)) = self.request(leases.patch(LEASE, &params, &patch)).await {
            tracing::info!(lease = LEASE, "released the Lease");
        }
    }

    /// Waits for an answer, bounded, and logs the beginning and the end of an
    /// outage once.
    async fn request<T>(
        &mut self,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Option<kube::Result<T>> {
        let answer = tokio::time::timeout(self.timing.request_timeout(), request)
            .await
            .ok();
        let problem = match &answer {
            Some(Ok(_)) => None,
            Some(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => None,
            Some(Err(error)) => Some(Chain(error).to_string()),
            None => Some("request timed out".to_owned()),
        };
        match problem {
            Some(error) => {
                if self.outage.failed(()) {
                    tracing::warn!(
                        lease = LEASE,
                        error,
                        "cannot read or renew the Lease; retrying"
                    );
                }
            }
            None => {
                if self.outage.recovered() {
                    tracing::info!(lease = LEASE, "the Lease can be read and renewed again");
                }
            }
        }
        answer
    }

    fn publish(&self) {
        let until = self.election.leading_until(Instant::now());
        self.leadership.send_if_modified(|leadership| {
            let before = *leadership;
            if before.until.is_none() && until.is_some() {
                leadership.term += 1;
                tracing::info!(
                    lease = LEASE,
                    identity = self.election.identity(),
                    "acquired the Lease; leading"
                );
            } else if before.until.is_some() && until.is_none() {
                tracing::warn!(
                    lease = LEASE,
                    identity = self.election.identity(),
                    "lost the Lease; no longer leading"
                );
            }
            leadership.until = until;
            *leadership != before
        });
    }

    fn record(&self, lease: &Lease) -> Record {
        let empty = LeaseSpec::default();
        let spec = lease.spec.as_ref().unwrap_or(&empty);
        let promised = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        Record {
            holder: spec.holder_identity.clone().unwrap_or_default(),
            version: lease.resource_version().unwrap_or_default(),
            transitions: spec.lease_transitions.unwrap_or(0),
            duration: promised.map_or(self.timing.duration, Duration::from_secs),
        }
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.timing.duration.as_secs()).unwrap_or(i32::MAX)
    }
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}
