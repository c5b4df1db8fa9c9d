//! The task that owns the reconciler: feeds it with what the watches, the
//! election and the writer say, and carries out what it asks for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_api::views::ControllerState;
use ferrolb_runtime::ready::Guard;
use ferrolb_runtime::state_page::StateRequest;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kube::Client;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use ferrolb_core::key::ObjectKey;

use crate::config_log;
use crate::k8s::background_writer::BackgroundWriter;
use crate::k8s::events::EventSender;
use crate::k8s::input::Input;
use crate::k8s::leadership::Leadership;
use crate::k8s::status::StatusWriter;
use crate::k8s::watches::{WatchEnded, Watches};
use crate::metrics::{ControllerMetrics, WriteResult};
use crate::reconcile::{Action, BackgroundWrite, ConfigState, Reconciler, StatusWrite, Written};

/// Changes taken in one go before anything is decided about those that wait.
const BATCH: usize = 256;

/// How long writes under way are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The first and the longest pause after a failed write.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Everything the engine works with.
pub struct Engine {
    /// For the watches.
    pub client: Client,
    /// Where the ConfigMap is.
    pub namespace: String,
    /// The state machine.
    pub reconciler: Reconciler,
    /// Whether we lead.
    pub leadership: watch::Receiver<Leadership>,
    /// Where status writes go.
    pub writer: StatusWriter,
    /// Where that goes which may wait.
    pub background: BackgroundWriter,
    /// Where news goes.
    pub events: EventSender,
    /// ServiceNotice since when no status write is under way; news waits for that.
    pub idle_since: watch::Sender<Option<tokio::time::Instant>>,
    /// What is shown.
    pub metrics: Arc<ControllerMetrics>,
    /// Dropped once the first lists are in.
    pub unlisted: Option<Guard>,
    /// Who asks for the state page.
    pub questions: mpsc::Receiver<StateRequest<ControllerState>>,
}

impl Engine {
    /// Runs until cancelled; fires `quiet` when no write is under way any more.
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
        let outcome = running.run(&cancel).await;
        let writer = &mut running.engine.writer;
        if tokio::time::timeout(FAREWELL, writer.finish())
            .await
            .is_err()
        {
            writer.abort();
        }
        quiet.cancel();
        outcome
    }
}

struct Running {
    engine: Engine,
    watches: Watches,
    /// The term we lead in.
    term: Option<u64>,
    retries: FuturesUnordered<BoxFuture<'static, ObjectKey>>,
    /// The configuration last logged, in this term or an earlier one.
    config: Option<ConfigState>,
    /// What the reconciler's time counts from.
    start: Instant,
}

/// What a turn begins with.
enum Turn {
    Stop,
    Election,
    Heard(Input),
    Written(StatusWrite, Written),
    BackgroundWrite(BackgroundWrite, bool),
    Asked(StateRequest<ControllerState>),
    Retry(ObjectKey),
    Time,
}

impl Running {
    async fn run(&mut self, cancel: &CancellationToken) -> Result<(), WatchEnded> {
        loop {
            let turn = self.turn(cancel).await?;
            self.engine.reconciler.tick(self.start.elapsed());
            match turn {
                Turn::Stop => return Ok(()),
                Turn::Election => self.follow_election(),
                Turn::Heard(input) => self.hear(input),
                Turn::Written(write, outcome) => self.written(&write, outcome),
                Turn::BackgroundWrite(chore, done) => {
                    self.engine.reconciler.background_ended(&chore, done)
                }
                Turn::Asked(asker) => {
                    // Whoever does not wait any more misses nothing.
                    let _gone = asker.send(self.engine.reconciler.state());
                }
                Turn::Retry(key) => self.engine.reconciler.retry(&key),
                Turn::Time => {}
            }
            self.engine.reconciler.settle();
            self.act();
        }
    }

    async fn turn(&mut self, cancel: &CancellationToken) -> Result<Turn, WatchEnded> {
        let deadline = self.engine.reconciler.deadline();
        let start = self.start;
        let time = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until((start + deadline).into()).await,
                None => std::future::pending().await,
            }
        };
        Ok(tokio::select! {
            () = cancel.cancelled() => Turn::Stop,
            Ok(()) = self.engine.leadership.changed() => Turn::Election,
            input = self.watches.next() => Turn::Heard(input?),
            (write, outcome) = self.engine.writer.next() => Turn::Written(write, outcome),
            (chore, done) = self.engine.background.next() => Turn::BackgroundWrite(chore, done),
            Some(asker) = self.engine.questions.recv() => Turn::Asked(asker),
            Some(key) = self.retries.next() => Turn::Retry(key),
            () = time => Turn::Time,
        })
    }

    /// A new term starts with new lists; the end of one ends all writing.
    fn follow_election(&mut self) {
        let leadership = *self.engine.leadership.borrow_and_update();
        let term = leadership.until.map(|_| leadership.term);
        if term == self.term {
            return;
        }
        self.term = term;
        self.engine.writer.abort();
        self.engine.background.abort();
        self.retries.clear();
        match term {
            Some(_) => self.engine.reconciler.lead(),
            None => self.engine.reconciler.follow(),
        }
        let leading = term.is_some();
        self.engine.metrics.leader.set(i64::from(leading));
        let leadership = leading.then(|| self.engine.leadership.clone());
        self.watches = Watches::start(&self.engine.client, &self.engine.namespace, leadership);
    }

    fn hear(&mut self, first: Input) {
        let mut next = Some(first);
        for _ in 0..BATCH {
            let Some(input) = next else {
                return;
            };
            self.take(input);
            next = self.watches.ready();
        }
        if let Some(input) = next {
            self.take(input);
        }
    }

    fn take(&mut self, input: Input) {
        let reconciler = &mut self.engine.reconciler;
        match input {
            Input::Services(change) => reconciler.services(*change),
            Input::Namespaces(change) => reconciler.namespaces(change),
            Input::Config(state, config_map) => {
                self.engine.events.config_map_changed(config_map);
                self.take_config(state);
            }
            Input::ConfigNotice(notice) => self.engine.events.object(&notice),
            Input::Nodes(change) => reconciler.nodes(change),
            Input::Announcements(change) => reconciler.announcements(change),
            Input::Pools(change) => reconciler.pools(change),
        }
        if self.engine.reconciler.is_listed() {
            self.engine.unlisted = None;
        }
    }

    fn take_config(&mut self, seen: ConfigState) {
        if self.config.as_ref() != Some(&seen) {
            let configured = self.engine.reconciler.is_configured();
            config_log::config(&seen, configured);
            let faults = i64::try_from(config_log::faults(&seen)).unwrap_or(i64::MAX);
            self.engine.metrics.config_faults.set(faults);
            self.config = Some(seen.clone());
        }
        self.engine.reconciler.config_seen(seen);
        let configured = self.engine.reconciler.is_configured();
        self.engine.metrics.config_loaded.set(i64::from(configured));
    }

    fn written(&mut self, write: &StatusWrite, outcome: Written) {
        self.engine.metrics.write_ended(match outcome {
            Written::Done(_) => WriteResult::Done,
            Written::Outdated => WriteResult::Outdated,
            Written::Failed => WriteResult::Failed,
        });
        self.engine.reconciler.written(write, outcome);
    }

    fn act(&mut self) {
        self.carry_out();
        while self.engine.writer.has_spare_capacity() && self.engine.reconciler.reconcile_deferred()
        {
            self.carry_out();
        }
        self.tell_idleness();
        let waiting = i64::try_from(self.engine.reconciler.waiting()).unwrap_or(i64::MAX);
        self.engine.metrics.services_waiting.set(waiting);
        self.engine
            .metrics
            .refused(self.engine.reconciler.refused());
        self.engine.metrics.pools(self.engine.reconciler.usage());
    }

    fn tell_idleness(&self) {
        let idle = self.engine.writer.is_idle();
        self.engine.idle_since.send_if_modified(|since| {
            let turned = since.is_some() != idle;
            if turned {
                *since = idle.then(tokio::time::Instant::now);
            }
            turned
        });
    }

    fn carry_out(&mut self) {
        for action in self.engine.reconciler.take_actions() {
            match action {
                Action::Write(write) => self.engine.writer.push(write),
                Action::NotifyService(told) => {
                    tracing::info!(service = %told.key, "{}", told.notice);
                    self.engine.events.service(&told);
                }
                Action::NotifyConfig(faulty) => {
                    let configured = self.engine.reconciler.is_configured();
                    self.engine.events.config(&faulty, configured);
                }
                Action::NotifyPool(news) => {
                    tracing::warn!("{}", news.note);
                    self.engine.events.pool(news);
                }
                Action::Background(chore) => self.engine.background.push(chore),
                Action::Retry { key, failures } => self.retry_later(key, failures),
            }
        }
    }

    fn retry_later(&self, key: ObjectKey, failures: u32) {
        let pause = pause_after(failures);
        self.retries.push(Box::pin(async move {
            tokio::time::sleep(pause).await;
            key
        }));
    }
}

/// Doubles with each failure.
fn pause_after(failures: u32) -> Duration {
    let (first, longest) = PAUSE;
    let factor = 1_u32
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause_after;

    #[test]
    fn the_pause_grows_up_to_a_bound() {
        assert_eq!(pause_after(1), Duration::from_millis(200));
        assert_eq!(pause_after(3), Duration::from_millis(800));
        assert_eq!(pause_after(40), Duration::from_secs(30));
    }
}
