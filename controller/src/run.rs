//! Wires the parts of the controller together and runs them until cancelled.

use std::sync::Arc;

use ferrolb_core::names::CONTROLLER;
use ferrolb_runtime::http::{self, Pages};
use ferrolb_runtime::metrics::Metrics;
use ferrolb_runtime::ready::Readiness;
use ferrolb_runtime::state_page;
use ferrolb_runtime::tasks::Tasks;
use kube::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::engine::Engine;
use crate::error::Error;
use crate::k8s::background_writer::BackgroundWriter;
use crate::k8s::lease::Elector;
use crate::k8s::status::StatusWriter;
use crate::k8s::{events, secret};
use crate::metrics::ControllerMetrics;
use crate::reconcile::Reconciler;

/// Runs a controller until cancelled; then finishes its writes and releases
/// the lease. Dropping the future instead stops everything at once, as a failed
/// node would.
///
/// # Errors
/// When it cannot start, or a task ended that should have gone on. An API
/// server that cannot be reached is no error; it is waited for.
pub async fn run(args: Args, client: Client, cancel: CancellationToken) -> Result<(), Error> {
    let registry = Metrics::for_program()?;
    let metrics = Arc::new(ControllerMetrics::register(&registry)?);
    let readiness = Readiness::default();
    let namespace = args.common.namespace.clone();
    let identity = identity(&args.pod_name)?;
    let (elector, leadership) = Elector::new(
        client.clone(),
        &namespace,
        identity.clone(),
        args.timing(),
        readiness.expect("lease"),
    );
    let (sender, events) =
        events::channel(client.clone(), &namespace, &identity, Arc::clone(&metrics));
    let (idle_since, quiet_periods) = watch::channel(None);
    let events = events.behind(quiet_periods);
    let (state, state_requests) = state_page::channel();
    let engine = Engine {
        client: client.clone(),
        namespace: namespace.clone(),
        reconciler: Reconciler::new(args.load_balancer_class.clone()),
        leadership: leadership.clone(),
        writer: StatusWriter::new(client.clone(), leadership.clone(), args.status_writes.get()),
        background: BackgroundWriter::new(client.clone(), leadership, namespace.clone()),
        events: sender,
        idle_since,
        metrics,
        unlisted: Some(readiness.expect("lists")),
        state_requests,
    };
    let quiet = CancellationToken::new();
    let mut tasks = Tasks::default();
    let pages = Pages {
        program: CONTROLLER,
        metrics: registry,
        readiness,
        state,
    };
    http::start(&args.common, pages, &cancel, &mut tasks)?;
    tasks.spawn_infallible(
        "gossip secret",
        secret::run(client, namespace, cancel.clone()),
    );
    tasks.spawn_infallible("lease", elector.run(cancel.clone(), quiet.clone()));
    tasks.spawn_infallible("events", events.run(cancel.clone()));
    tasks.spawn("engine", engine.run(cancel.clone(), quiet));
    tasks.run(&cancel).await.map_err(Error::from)
}

/// A name that no other process has, not even the next one of the same pod.
fn identity(pod: &str) -> Result<String, Error> {
    Ok(format!("{pod}_{:08x}", getrandom::u32()?))
}
