//! The listener for `/metrics`, `/livez` and `/readyz`.
//!
//! `/livez` returns 200 while the process and its runtime respond; `/readyz`
//! returns 200 once every condition in [`Readiness`] is met, else 503 with those
//! missing.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use futures::future::BoxFuture;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::ready::Readiness;

/// Why the listener does not run.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for metrics and health (--http-listen): {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The listener failed while serving.
    #[error("the metrics and health listener failed: {0}")]
    Serve(#[source] std::io::Error),
}

#[derive(Clone)]
struct Shared {
    metrics: Metrics,
    readiness: Readiness,
}

/// Opens the listener, so that a taken port is an error at start and not later.
///
/// # Errors
/// When the address is taken or not allowed.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, HttpError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| HttpError::Listen { address, source })
}

/// Makes the JSON text of a page when it is asked for; `None` while it cannot.
pub type Render = Arc<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// Serves until cancelled.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    readiness: Readiness,
    cancel: CancellationToken,
) -> Result<(), HttpError> {
    serve_with_state(listener, metrics, readiness, None, cancel).await
}

/// Like [`serve`], with a page `/state` that shows what the program holds.
///
/// # Errors
/// When the listener fails.
pub async fn serve_with_state(
    listener: TcpListener,
    metrics: Metrics,
    readiness: Readiness,
    state: Option<Render>,
    cancel: CancellationToken,
) -> Result<(), HttpError> {
    let page = |render: Render| Router::new().route("/state", get(move || show(render)));
    let router = state.map_or_else(Router::new, page);
    let router = router
        .route("/metrics", get(render_metrics))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(render_readiness))
        .with_state(Shared { metrics, readiness });
    axum::serve(listener, router)
        .with_graceful_shutdown(cancel.cancelled_owned())
        .await
        .map_err(HttpError::Serve)
}

async fn show(render: Render) -> impl IntoResponse {
    let json = [(CONTENT_TYPE, "application/json")];
    match render().await {
        Some(text) => (StatusCode::OK, json, text),
        None => (StatusCode::SERVICE_UNAVAILABLE, json, "null".to_owned()),
    }
}

async fn render_metrics(State(shared): State<Shared>) -> impl IntoResponse {
    match shared.metrics.render() {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string().into_bytes(),
        ),
    }
}

async fn render_readiness(State(shared): State<Shared>) -> impl IntoResponse {
    let pending = shared.readiness.pending();
    if pending.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        let missing = format!("waiting for: {}\n", pending.join(", "));
        (StatusCode::SERVICE_UNAVAILABLE, missing)
    }
}
