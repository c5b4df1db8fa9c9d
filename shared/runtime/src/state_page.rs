//! The page `/state`: a request goes to the task that owns the state, which
//! answers with a view of it. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::http::Render;

/// Where the owner of the state sends its answer.
pub type StateRequest<View> = oneshot::Sender<View>;

/// The longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What the listener calls when the page is requested, and the requests for the
/// owner of the state. One is answered at a time.
#[must_use]
pub fn channel<View: Serialize + Send + 'static>() -> (Render, mpsc::Receiver<StateRequest<View>>) {
    let (requests, receiver) = mpsc::channel(1);
    let render: Render = Arc::new(move || {
        let requests = requests.clone();
        Box::pin(async move {
            let answered = tokio::time::timeout(ANSWER_TIMEOUT, request(requests));
            answered.await.ok()?
        })
    });
    (render, receiver)
}

async fn request<View: Serialize>(requests: mpsc::Sender<StateRequest<View>>) -> Option<String> {
    let (sender, answer) = oneshot::channel();
    requests.send(sender).await.ok()?;
    serde_json::to_string_pretty(&answer.await.ok()?).ok()
}
