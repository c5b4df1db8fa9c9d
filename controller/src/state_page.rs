//! The page `/state`: asks the engine, which alone knows. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use ferrolb_runtime::http::Render;
use tokio::sync::{mpsc, oneshot};

use crate::reconcile::StatePage;

/// Where an answer goes.
pub type Question = oneshot::Sender<StatePage>;

/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the listener calls when the page is asked for.
#[must_use]
pub fn render(questions: mpsc::Sender<Question>) -> Render {
    Arc::new(move || {
        let questions = questions.clone();
        Box::pin(async move { tokio::time::timeout(PATIENCE, ask(questions)).await.ok()? })
    })
}

async fn ask(questions: mpsc::Sender<Question>) -> Option<String> {
    let (sender, answer) = oneshot::channel();
    questions.send(sender).await.ok()?;
    serde_json::to_string_pretty(&answer.await.ok()?).ok()
}
