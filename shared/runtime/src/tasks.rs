//! Supervised tasks: each has a name, and one that exits before shutdown stops
//! the program instead of dying unnoticed.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;

use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use ferrolb_core::text::Chain;

/// A task ended that should have run until shutdown.
#[derive(Debug, Error)]
pub enum TaskError {
    /// It returned an error.
    #[error("task {name} failed: {reason}")]
    Failed {
        /// The task's name.
        name: &'static str,
        /// Its error, with causes.
        reason: String,
    },
    /// It returned without an error before shutdown.
    #[error("task {name} exited unexpectedly")]
    Ended {
        /// The task's name.
        name: &'static str,
    },
    /// It panicked.
    #[error("a task panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

/// A set of named tasks that live and die together.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<(&'static str, Result<(), String>)>,
}

impl Tasks {
    /// Starts a task.
    pub fn spawn<F, E>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Error,
    {
        self.set.spawn(async move {
            let outcome = task.await;
            (name, outcome.map_err(|error| Chain(&error).to_string()))
        });
    }

    /// Starts a task that cannot fail.
    pub fn spawn_infallible<F>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn(name, async move {
            task.await;
            Ok::<(), Infallible>(())
        });
    }

    /// Waits until `cancel` fires and every task has ended, or until a task
    /// ends by itself; then the rest is cancelled, awaited, and the cause returned.
    ///
    /// # Errors
    /// The first task that failed, panicked, or ended early.
    pub async fn run(mut self, cancel: &CancellationToken) -> Result<(), TaskError> {
        let mut first = Ok(());
        while let Some(joined) = self.set.join_next().await {
            let outcome = judge(joined, cancel.is_cancelled());
            if outcome.is_err() {
                cancel.cancel();
            }
            first = first.and(outcome);
        }
        first
    }
}

type Joined = Result<(&'static str, Result<(), String>), tokio::task::JoinError>;

fn judge(joined: Joined, stopping: bool) -> Result<(), TaskError> {
    match joined {
        Err(panic) => Err(TaskError::Panicked(panic)),
        Ok((name, Err(reason))) => Err(TaskError::Failed { name, reason }),
        Ok((_, Ok(()))) if stopping => Ok(()),
        Ok((name, Ok(()))) => Err(TaskError::Ended { name }),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio_util::sync::CancellationToken;

    use super::{TaskError, Tasks};

    async fn until(token: CancellationToken) -> Result<(), Infallible> {
        token.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn succeeds_when_cancelled() {
        let cancel = CancellationToken::new();
        let mut tasks = Tasks::default();
        tasks.spawn("worker", until(cancel.clone()));
        cancel.cancel();
        assert!(tasks.run(&cancel).await.is_ok());
    }

    #[tokio::test]
    async fn one_failing_task_stops_the_others_and_is_named() {
        let cancel = CancellationToken::new();
        let mut tasks = Tasks::default();
        tasks.spawn("worker", until(cancel.clone()));
        tasks.spawn("watch", async { Err(std::fmt::Error) });
        let error = tasks.run(&cancel).await.unwrap_err();
        assert!(matches!(error, TaskError::Failed { name: "watch", .. }));
    }

    #[tokio::test]
    async fn a_task_that_ends_early_is_a_failure() {
        let cancel = CancellationToken::new();
        let mut tasks = Tasks::default();
        tasks.spawn("watch", async { Ok::<(), Infallible>(()) });
        let error = tasks.run(&cancel).await.unwrap_err();
        assert!(matches!(error, TaskError::Ended { name: "watch" }));
    }
}
