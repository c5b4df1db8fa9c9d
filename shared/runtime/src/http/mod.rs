//! The HTTP listeners of both programs: one for everybody, one for the kubelet.
//!
//! `/livez` returns 200 while the process and its runtime respond; `/readyz`
//! returns 200 once every condition in [`Readiness`] is met, else 503 with those
//! missing. `/metrics` and `/state` are rendered at most once per `cache`
//! lifetime, however many request them.
//!
//! **Why two.** Every host that reaches the node can fill `--http-listen`. If the
//! kubelet's probes went there, filling it would make the kubelet kill the
//! program. So the probes have a listener of their own on loopback. The speaker
//! is on the host network: the kubelet reaches that listener by an `httpGet` with
//! `host: 127.0.0.1`, as it probes the control plane's static pods, which costs
//! no process start on each node every second. The controller has a network
//! namespace of its own, which the kubelet only enters by `exec`: there the
//! program requests the page itself (`--probe`, [`probe`]).

mod cache;
mod connections;
mod listen;
pub mod probe;
mod server;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::args::CommonArgs;
use crate::metrics::{Metrics, MetricsError};
use crate::ready::Readiness;
use crate::tasks::Tasks;
use cache::Cached;
pub use connections::Dropped;
use server::Server;

/// Connections open at once to the public listener, which a few scrapers and
/// people share.
const PUBLIC_CONNECTIONS: usize = 64;
/// The same for the listener of the probes.
const PROBE_CONNECTIONS: usize = 16;
/// How old `/state` may be. The engine renders it, so not more often than this.
const STATE_LIFETIME: Duration = Duration::from_secs(1);
/// How old `/metrics` may be.
const METRICS_LIFETIME: Duration = Duration::from_millis(100);

const JSON: &str = "application/json";
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why a listener does not run.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({flag})")]
    Listen {
        /// The flag that chooses the address.
        flag: &'static str,
        /// The address requested.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The listeners' own metric cannot be registered.
    #[error("cannot register a metric of the HTTP listeners")]
    Metrics(#[from] MetricsError),
}

/// Makes the JSON text of a page; `None` while it cannot.
pub type Render = Arc<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// What the listeners show.
pub struct Pages {
    /// The program's name, whose metrics begin with it.
    pub program: &'static str,
    /// `/metrics`
    pub metrics: Metrics,
    /// `/readyz`
    pub readiness: Readiness,
    /// `/state`
    pub state: Render,
}

/// Opens both listeners and serves them until cancelled.
///
/// # Errors
/// When an address is taken or not allowed.
pub fn start(
    args: &CommonArgs,
    pages: Pages,
    cancel: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<(), HttpError> {
    let (public, probes) = servers(args.http_listen, args.probe_listen, pages)?;
    tasks.spawn_infallible("http", public.run(cancel.clone()));
    tasks.spawn_infallible("probes", probes.run(cancel.clone()));
    Ok(())
}

/// The public server and that of the probes.
fn servers(
    public: SocketAddr,
    probes: SocketAddr,
    pages: Pages,
) -> Result<(Server, Server), HttpError> {
    let public = listen::bind("--http-listen", public)?;
    let probes = listen::bind("--probe-listen", probes)?;
    let dropped = register(pages.program, &pages.metrics)?;
    let health = health(pages.readiness);
    let public = Server {
        listener: public,
        router: health
            .clone()
            .merge(page("/metrics", PROMETHEUS_TEXT, text(pages.metrics)))
            .merge(page(
                "/state",
                JSON,
                Cached::new(pages.state, STATE_LIFETIME),
            )),
        limit: PUBLIC_CONNECTIONS,
        dropped: Arc::clone(&dropped),
    };
    let probes = Server {
        listener: probes,
        router: health,
        limit: PROBE_CONNECTIONS,
        dropped,
    };
    Ok((public, probes))
}

/// Registers the listeners' own metric; [`start`] does it too.
///
/// # Errors
/// When the name is taken.
pub fn register(program: &str, metrics: &Metrics) -> Result<Arc<Dropped>, MetricsError> {
    let dropped = Arc::new(Dropped::default());
    let read = Arc::clone(&dropped);
    metrics.observed(
        &format!(
            "{}_http_connections_dropped_total",
            program.replace('-', "_")
        ),
        "HTTP connections closed before they were done: \
         limit (too many were open) or timeout (the client was too slow)",
        "reason",
        move || read.values(),
    )?;
    Ok(dropped)
}

fn health(readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(render_readiness))
        .with_state(readiness)
}

fn page(path: &str, content_type: &'static str, page: Cached) -> Router {
    let page = Arc::new(page);
    let show = async move || show(content_type, page.get().await);
    Router::new().route(path, get(show))
}

fn show(content_type: &'static str, text: Option<axum::body::Bytes>) -> Response {
    match text {
        Some(text) => ([(CONTENT_TYPE, content_type)], text).into_response(),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(CONTENT_TYPE, content_type)],
            if content_type == JSON { "null" } else { "" },
        )
            .into_response(),
    }
}

fn text(metrics: Metrics) -> Cached {
    let render: Render = Arc::new(move || {
        let text = metrics.render().ok();
        Box::pin(async move { String::from_utf8(text?).ok() })
    });
    Cached::new(render, METRICS_LIFETIME)
}

async fn render_readiness(State(readiness): State<Readiness>) -> impl IntoResponse {
    let pending = readiness.pending();
    if pending.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        let missing = format!("waiting for: {}\n", pending.join(", "));
        (StatusCode::SERVICE_UNAVAILABLE, missing)
    }
}
