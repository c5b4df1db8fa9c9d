//! Keeps this node's `ServiceL2Status` objects up to date, in a task of its own
//! that nothing waits for. Only the latest content counts: while the API server
//! is slow or unreachable, what lies between is never written. Not pure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_api::l2_status::ServiceL2Status;
use ferrolb_core::announcement::{ANNOUNCES, NODE_LABEL, read_announces};
use ferrolb_core::names::SPEAKER;
use ferrolb_core::text::Chain;
use ferrolb_runtime::outage::Outage;
use ferrolb_runtime::retry::{Pauses, backoff};
use futures::StreamExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt};
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::object;
pub use super::object::Author;
use super::plan::{KnownObjects, Step};
use crate::report::l2_status::{L2Status, L2Statuses, SupersededStatus};

/// Steps under way at once, and steps before the latest content is read again.
const PARALLEL: usize = 8;
const BATCH: usize = 64;

/// The longest one step is waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses between passes that fail: doubled from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Pause while the API server does not serve the kind.
const NOT_SERVED_PAUSE: Duration = Duration::from_secs(30);

/// How often the objects are listed, in case somebody else changed them.
const RESYNC: Duration = Duration::from_secs(600);

/// How long a leaving speaker may take to delete its objects.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The task.
pub struct L2StatusWriter {
    api: Api<DynamicObject>,
    author: Author,
}

/// Why a pass did not succeed.
#[derive(Debug, Error)]
enum WriteError {
    #[error("the API server does not serve ServiceL2Status; install the CRDs")]
    NotServed,
    #[error("request failed")]
    Request(#[source] kube::Error),
    #[error("no answer within {} s", REQUEST_TIMEOUT.as_secs())]
    TimedOut,
}

impl L2StatusWriter {
    /// A writer of objects in this namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str, author: Author) -> Self {
        let resource = ApiResource::erase::<ServiceL2Status>(&());
        Self {
            api: Api::namespaced_with(client, namespace, &resource),
            author,
        }
    }

    /// Follows the statuses until cancelled, then once more for a moment.
    pub async fn run(
        self,
        mut wanted: watch::Receiver<Arc<L2Statuses>>,
        cancel: CancellationToken,
    ) {
        let mut known = None;
        let mut history = History::new();
        let mut listed = Instant::now();
        loop {
            if listed.elapsed() >= RESYNC {
                (known, listed) = (None, Instant::now());
            }
            let latest = Arc::clone(&wanted.borrow_and_update());
            let passed = tokio::select! {
                () = cancel.cancelled() => break,
                passed = self.pass(&mut known, &latest) => passed,
            };
            let pause = history.record(passed);
            tokio::select! {
                () = cancel.cancelled() => break,
                // After a failure, another change is not a reason to retry earlier.
                Ok(()) = wanted.changed(), if pause.is_none() => {}
                () = tokio::time::sleep(pause.unwrap_or(RESYNC)) => {}
            }
        }
        let latest = Arc::clone(&wanted.borrow());
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, self.pass(&mut known, &latest))
            .await
            .is_err()
        {
            tracing::debug!("cannot delete all ServiceL2Status objects before exit");
        }
    }

    /// Makes the objects as wanted; `known` records how far it came.
    async fn pass(
        &self,
        known: &mut Option<KnownObjects>,
        wanted: &L2Statuses,
    ) -> Result<(), WriteError> {
        if known.is_none() {
            *known = Some(self.list().await?);
        }
        let Some(known) = known else { return Ok(()) };
        known.forget_outdated(wanted);
        loop {
            let steps = known.plan(wanted, BATCH);
            if steps.is_empty() {
                return Ok(());
            }
            steps.iter().for_each(|step| known.begin(step));
            let taken = futures::stream::iter(steps).map(|step| async {
                let outcome = tokio::time::timeout(REQUEST_TIMEOUT, self.carry_out(&step)).await;
                (step, outcome.unwrap_or(Err(WriteError::TimedOut)))
            });
            let taken: Vec<_> = taken.buffer_unordered(PARALLEL).collect().await;
            let mut all = Ok(());
            for (step, outcome) in taken {
                match outcome {
                    Ok(()) => known.done(step),
                    Err(error) => all = Err(error),
                }
            }
            all?;
        }
    }

    async fn list(&self) -> Result<KnownObjects, WriteError> {
        let own = format!("{NODE_LABEL}={}", self.author.label());
        let list = self.api.list(&ListParams::default().labels(&own)).await?;
        let read = |object: DynamicObject| (object.name_any(), object::read(object, &self.author));
        Ok(KnownObjects {
            own: list.items.into_iter().map(read).collect(),
            ..KnownObjects::default()
        })
    }

    async fn carry_out(&self, step: &Step) -> Result<(), WriteError> {
        match step {
            Step::Write {
                name,
                content,
                status,
            } => self.write(name, content, *status).await,
            Step::Delete { name } => self.delete(name, DeleteParams::default()).await,
            Step::DeleteSuperseded { name, superseded } => {
                self.delete_superseded(name, *superseded).await
            }
        }
    }

    async fn write(&self, name: &str, content: &L2Status, status: bool) -> Result<(), WriteError> {
        let params = PatchParams::apply(SPEAKER).force();
        let whole = Patch::Apply(object::object(name, content, &self.author));
        let written = self.api.patch(name, &params, &whole).await?;
        // Whoever deleted it meanwhile deleted its status too.
        if status || written.data.get("status").is_none() {
            let status = Patch::Apply(object::status(name, content, &self.author));
            self.api.patch_status(name, &params, &status).await?;
        }
        Ok(())
    }

    async fn delete(&self, name: &str, params: DeleteParams) -> Result<(), WriteError> {
        match self.api.delete(name, &params).await {
            Err(error) if !is_not_found(&error) => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The other node may have returned and written again: then the object is right.
    async fn delete_superseded(
        &self,
        name: &str,
        superseded: SupersededStatus,
    ) -> Result<(), WriteError> {
        let Some(object) = self.api.get_opt(name).await? else {
            return Ok(());
        };
        let announced = read_announces(object::annotation(&object, ANNOUNCES));
        let claimed = announced.get(&superseded.ip);
        if claimed.is_none_or(|epoch| *epoch >= superseded.epoch) {
            return Ok(());
        }
        let as_seen = Preconditions {
            uid: object.uid(),
            resource_version: object.resource_version(),
        };
        self.delete(name, DeleteParams::default().preconditions(as_seen))
            .await
    }
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        if is_not_found(&error) {
            return Self::NotServed;
        }
        Self::Request(error)
    }
}

/// How the latest passes ended: logs each cause of failure once, and chooses the
/// pause before the next pass.
#[derive(Debug)]
struct History {
    outage: Outage<String>,
    pauses: Pauses,
}

impl History {
    fn new() -> Self {
        Self {
            outage: Outage::default(),
            pauses: Pauses::new(backoff(FIRST_PAUSE, LONGEST_PAUSE)),
        }
    }

    /// The pause after a failed pass; `None` after one that succeeded.
    fn record(&mut self, passed: Result<(), WriteError>) -> Option<Duration> {
        let Err(error) = passed else {
            self.pauses.reset();
            if self.outage.recovered() {
                tracing::info!("ServiceL2Status objects are up to date again");
            }
            return None;
        };
        let cause = Chain(&error).to_string();
        if self.outage.failed(cause.clone()) {
            tracing::warn!(
                error = cause,
                "cannot write ServiceL2Status objects; retrying"
            );
        }
        Some(match error {
            WriteError::NotServed => NOT_SERVED_PAUSE,
            WriteError::Request(_) | WriteError::TimedOut => self.pauses.next_pause(),
        })
    }
}
