//! The task that owns the reconciler: feeds it with what the watches, the election
//! and the writers report, and carries out its actions.

mod inputs;
mod outputs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_api::views::ControllerState;
use ferrolb_core::key::ObjectKey;
use ferrolb_runtime::ready::Guard;
use ferrolb_runtime::state_page::StateRequest;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kube::Client;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::k8s::background_writer::BackgroundWriter;
use crate::k8s::events::EventSender;
use crate::k8s::input::Input;
use crate::k8s::leadership::Leadership;
use crate::k8s::status::StatusWriter;
use crate::k8s::watches::{WatchEnded, Watches};
use crate::metrics::ControllerMetrics;
use crate::reconcile::{BackgroundWrite, ConfigState, Reconciler, StatusWrite, Written};

/// How long status writes in flight may take at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Everything the engine works with.
pub struct Engine {
    /// For the watches.
    pub client: Client,
    /// The namespace of the ConfigMap.
    pub namespace: String,
    /// The state machine.
    pub reconciler: Reconciler,
    /// Whether this replica leads.
    pub leadership: watch::Receiver<Leadership>,
    /// Writes statuses of Services.
    pub writer: StatusWriter,
    /// Writes what is less urgent.
    pub background: BackgroundWriter,
    /// Sends Events.
    pub events: EventSender,
    /// Since when no status write has been in flight; Events wait for that.
    pub idle_since: watch::Sender<Option<tokio::time::Instant>>,
    /// The metrics.
    pub metrics: Arc<ControllerMetrics>,
    /// Dropped once the first lists have arrived.
    pub unlisted: Option<Guard>,
    /// Requests for `/state`.
    pub state_requests: mpsc::Receiver<StateRequest<ControllerState>>,
}

impl Engine {
    /// Runs until cancelled; then cancels `quiet` when no write is in flight any more.
    ///
    /// # Errors
    /// When a watch ends, which none does by itself.
    pub async fn run(
        self,
        cancel: CancellationToken,
        quiet: CancellationToken,
    ) -> Result<(), WatchEnded> {
        let watches = Watches::start(&self.client, &self.namespace, None);
        let mut running = Running {
            engine: self,
            watches,
            term: None,
            retries: FuturesUnordered::new(),
            config: None,
            start: Instant::now(),
        };
        let result = running.run(&cancel).await;
        let writer = &mut running.engine.writer;
        let finished = tokio::time::timeout(SHUTDOWN_TIMEOUT, writer.finish()).await;
        if finished.is_err() {
            writer.abort();
        }
        quiet.cancel();
        result
    }
}

struct Running {
    engine: Engine,
    watches: Watches,
    /// The term in which this replica leads.
    term: Option<u64>,
    retries: FuturesUnordered<BoxFuture<'static, ObjectKey>>,
    /// The configuration last logged, in this term or an earlier one.
    config: Option<ConfigState>,
    /// Where the reconciler's time begins.
    start: Instant,
}

/// What the loop wakes up for.
enum Wakeup {
    Cancelled,
    Election,
    Input(Input),
    Written(StatusWrite, Written),
    BackgroundEnded(BackgroundWrite, bool),
    StateRequest(StateRequest<ControllerState>),
    Retry(ObjectKey),
    Timeout,
}

impl Running {
    async fn run(&mut self, cancel: &CancellationToken) -> Result<(), WatchEnded> {
        loop {
            let wakeup = self.wakeup(cancel).await?;
            let reconciler = &mut self.engine.reconciler;
            reconciler.tick(self.start.elapsed());
            match wakeup {
                Wakeup::Cancelled => return Ok(()),
                Wakeup::Election => self.leadership_changed(),
                Wakeup::Input(input) => self.inputs(input),
                Wakeup::Written(write, outcome) => self.written(&write, outcome),
                Wakeup::BackgroundEnded(write, done) => reconciler.background_ended(&write, done),
                Wakeup::StateRequest(reply) => {
                    // A client that has gone away needs no reply.
                    let _gone = reply.send(reconciler.state());
                }
                Wakeup::Retry(key) => reconciler.reconcile(&key),
                Wakeup::Timeout => {}
            }
            self.engine.reconciler.settle();
            self.outputs();
        }
    }

    async fn wakeup(&mut self, cancel: &CancellationToken) -> Result<Wakeup, WatchEnded> {
        let timeout = self.engine.reconciler.next_timeout();
        let timeout = timeout.map(|timeout| self.start + timeout);
        let timeout = async {
            match timeout {
                Some(timeout) => tokio::time::sleep_until(timeout.into()).await,
                None => std::future::pending().await,
            }
        };
        Ok(tokio::select! {
            () = cancel.cancelled() => Wakeup::Cancelled,
            Ok(()) = self.engine.leadership.changed() => Wakeup::Election,
            input = self.watches.next() => Wakeup::Input(input?),
            (write, outcome) = self.engine.writer.next() => Wakeup::Written(write, outcome),
            (write, done) = self.engine.background.next() => Wakeup::BackgroundEnded(write, done),
            Some(reply) = self.engine.state_requests.recv() => Wakeup::StateRequest(reply),
            Some(key) = self.retries.next() => Wakeup::Retry(key),
            () = timeout => Wakeup::Timeout,
        })
    }

    /// A new term starts with new lists; the end of one aborts all writes.
    fn leadership_changed(&mut self) {
        let leadership = *self.engine.leadership.borrow_and_update();
        let term = leadership.until.map(|_| leadership.term);
        if term == self.term {
            return;
        }
        self.term = term;
        self.engine.writer.abort();
        self.engine.background.abort();
        self.retries.clear();
        let leads = term.is_some();
        self.engine.reconciler.set_leading(leads);
        self.engine.metrics.leader.set(i64::from(leads));
        let leadership = leads.then(|| self.engine.leadership.clone());
        self.watches = Watches::start(&self.engine.client, &self.engine.namespace, leadership);
    }
}
