//! Keeps this node's `ServiceL2Status` objects as they should be, in a task of
//! its own that nothing waits for. Only the latest testimonies count: while the
//! API server is slow or away, what lies between is never written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_core::announcement::{ANNOUNCES, NODE_LABEL, read_announces};
use ferrolb_core::names::SPEAKER;
use ferrolb_core::text::Chain;
use futures::StreamExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::object;
pub use super::object::Author;
use super::plan::{Board, Step};
use crate::report::l2_status::{L2Status, L2Statuses, SupersededStatus};

/// Requests under way at once, and steps before the wishes are looked at again.
const PARALLEL: usize = 8;
const BATCH: usize = 64;

/// The longest one step is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Gaps between attempts: doubled from the first to the longest.
const FIRST_GAP: Duration = Duration::from_millis(500);
const LONGEST_GAP: Duration = Duration::from_secs(15);

/// How often it is asked whether the kind is served now.
const NOT_SERVED_GAP: Duration = Duration::from_secs(30);

/// How often the objects are listed, in case somebody else changed them.
const RESYNC: Duration = Duration::from_secs(600);

/// A leaving speaker removes its objects, if that takes no longer than this.
const FAREWELL: Duration = Duration::from_secs(2);

/// The task.
pub struct L2StatusWriter {
    api: Api<DynamicObject>,
    author: Author,
}

/// Why a pass did not come to its end.
#[derive(Debug)]
enum Trouble {
    /// The API server does not know the kind.
    NotServed,
    /// Anything else, in words.
    Failed(String),
}

impl L2StatusWriter {
    /// A writer of objects in this namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str, author: Author) -> Self {
        let kind = GroupVersionKind::gvk(object::GROUP, object::VERSION, object::KIND);
        let resource = ApiResource::from_gvk_with_plural(&kind, object::PLURAL);
        Self {
            api: Api::namespaced_with(client, namespace, &resource),
            author,
        }
    }

    /// Follows the testimonies until cancelled, then once more for a moment.
    pub async fn run(
        self,
        mut wanted: watch::Receiver<Arc<L2Statuses>>,
        cancel: CancellationToken,
    ) {
        let mut board = None;
        let mut outage = Outage::default();
        let mut listed = Instant::now();
        loop {
            if listed.elapsed() >= RESYNC {
                (board, listed) = (None, Instant::now());
            }
            let latest = Arc::clone(&wanted.borrow_and_update());
            let passed = tokio::select! {
                () = cancel.cancelled() => break,
                passed = self.pass(&mut board, &latest) => passed,
            };
            let gap = outage.note(&passed);
            let pause = gap.unwrap_or(RESYNC);
            tokio::select! {
                () = cancel.cancelled() => break,
                // In trouble, more wishes are no reason to try again earlier.
                Ok(()) = wanted.changed(), if gap.is_none() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let latest = Arc::clone(&wanted.borrow());
        if tokio::time::timeout(FAREWELL, self.pass(&mut board, &latest))
            .await
            .is_err()
        {
            tracing::debug!("left ServiceL2Status objects behind");
        }
    }

    /// Does everything there is to do; the board shows how far it came.
    async fn pass(&self, board: &mut Option<Board>, wanted: &L2Statuses) -> Result<(), Trouble> {
        if board.is_none() {
            *board = Some(self.list().await?);
        }
        let Some(board) = board else { return Ok(()) };
        board.tidy(wanted);
        loop {
            let steps = board.plan(wanted, BATCH);
            if steps.is_empty() {
                return Ok(());
            }
            steps.iter().for_each(|step| board.begin(step));
            let taken = futures::stream::iter(steps).map(|step| async {
                let outcome = tokio::time::timeout(PATIENCE, self.take(&step)).await;
                (step, outcome.unwrap_or_else(|_| Err(Trouble::timed_out())))
            });
            let taken: Vec<_> = taken.buffer_unordered(PARALLEL).collect().await;
            let mut all = Ok(());
            for (step, outcome) in taken {
                match outcome {
                    Ok(()) => board.done(step),
                    Err(trouble) => all = Err(trouble),
                }
            }
            all?;
        }
    }

    async fn list(&self) -> Result<Board, Trouble> {
        let own = format!("{NODE_LABEL}={}", self.author.label());
        let list = self.api.list(&ListParams::default().labels(&own)).await;
        let objects = list.map_err(|error| Trouble::of(&error))?.items;
        let read = |object: DynamicObject| {
            let said = object::read(&object, &self.author);
            (object.name_any(), said)
        };
        let own: BTreeMap<String, Option<L2Status>> = objects.into_iter().map(read).collect();
        Ok(Board {
            own,
            ..Board::default()
        })
    }

    async fn take(&self, step: &Step) -> Result<(), Trouble> {
        match step {
            Step::Write {
                name,
                testimony,
                status,
            } => self.write(name, testimony, *status).await,
            Step::Delete { name } => self.delete(name, DeleteParams::default()).await,
            Step::Overrule { name, overruled } => self.overrule(name, *overruled).await,
        }
    }

    async fn write(&self, name: &str, said: &L2Status, status: bool) -> Result<(), Trouble> {
        let params = PatchParams::apply(SPEAKER).force();
        let whole: Patch<Value> = Patch::Apply(object::object(name, said, &self.author));
        let written = self.api.patch(name, &params, &whole).await;
        let written = written.map_err(|error| Trouble::of(&error))?;
        // Whoever removed it meanwhile removed its status too.
        if status || written.data.get("status").is_none() {
            let status: Patch<Value> = Patch::Apply(object::status(name, said, &self.author));
            let written = self.api.patch_status(name, &params, &status).await;
            written.map_err(|error| Trouble::of(&error))?;
        }
        Ok(())
    }

    async fn delete(&self, name: &str, params: DeleteParams) -> Result<(), Trouble> {
        match self.api.delete(name, &params).await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, 404) => Ok(()),
            Err(error) => Err(Trouble::of(&error)),
        }
    }

    /// The other may have come back and written anew: then the object is right.
    async fn overrule(&self, name: &str, overruled: SupersededStatus) -> Result<(), Trouble> {
        let found = self.api.get_opt(name).await;
        let Some(object) = found.map_err(|error| Trouble::of(&error))? else {
            return Ok(());
        };
        let says = read_announces(object::annotation(&object, ANNOUNCES));
        let claimed = says.get(&overruled.ip);
        if claimed.is_none_or(|epoch| *epoch >= overruled.epoch) {
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

fn is(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}

impl Trouble {
    fn of(error: &kube::Error) -> Self {
        if is(error, 404) {
            return Self::NotServed;
        }
        Self::Failed(Chain(error).to_string())
    }

    fn timed_out() -> Self {
        Self::Failed(format!("no answer within {} s", PATIENCE.as_secs()))
    }
}

/// Logs each trouble once, and says how long to wait.
#[derive(Debug, Default)]
struct Outage {
    told: Option<String>,
    gap: Option<Duration>,
}

impl Outage {
    /// None when all is well.
    fn note(&mut self, passed: &Result<(), Trouble>) -> Option<Duration> {
        let (told, gap) = match passed {
            Ok(()) => {
                if self.told.take().is_some() {
                    tracing::info!("ServiceL2Status objects are up to date again");
                }
                self.gap = None;
                return None;
            }
            Err(Trouble::NotServed) => {
                let told = "the API server does not serve ServiceL2Status; install the CRDs";
                (told.to_owned(), NOT_SERVED_GAP)
            }
            Err(Trouble::Failed(why)) => {
                let gap = self.gap.map_or(FIRST_GAP, |gap| LONGEST_GAP.min(gap * 2));
                (why.clone(), gap)
            }
        };
        self.gap = Some(gap);
        if self.told.as_ref() != Some(&told) {
            tracing::warn!(reason = told, "cannot tell who announces what; retrying");
            self.told = Some(told);
        }
        Some(gap)
    }
}
