//! Wires the parts of the speaker together and runs them until cancelled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ::kube::Client;
use ferrolb_api::views::SpeakerState;
use ferrolb_core::names::SPEAKER;
use ferrolb_runtime::http::{self, Pages};
use ferrolb_runtime::kube;
use ferrolb_runtime::kube::events::{self, Outcome};
use ferrolb_runtime::metrics::Metrics;
use ferrolb_runtime::ready::Readiness;
use ferrolb_runtime::state_page::{self, StateRequest};
use ferrolb_runtime::tasks::Tasks;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::engine::{Engine, Guards, Inputs, Parts, Reporter};
use crate::error::Error;
use crate::gossip::{Gossip, GossipCounters, GossipOptions, Keyring};
use crate::host::interfaces::{Links, Patterns};
use crate::host::links;
use crate::host::strict_arp_watch::{self, SETTINGS};
use crate::k8s::{self, Update, Watches};
use crate::layer2::io::counters::WireCounters;
use crate::layer2::io::responder::Wire;
use crate::metrics::{self, SpeakerMetrics};
use crate::report::l2_status::writer::L2StatusWriter;

/// How many changes may queue up between the watches and the engine.
const UPDATES: usize = 1024;

/// Runs a speaker until `leave` fires, then hands its IPs over.
///
/// # Errors
/// When a part cannot start, or one stops by itself.
pub async fn run(args: Args, leave: CancellationToken) -> Result<(), Error> {
    let metrics = Metrics::for_program()?;
    let readiness = Readiness::default();
    // The other tasks continue until the engine has left.
    let done = CancellationToken::new();
    let mut tasks = Tasks::default();

    let starting = readiness.expect("start");
    let (state, state_requests) = state_page::channel();
    let pages = Pages {
        program: SPEAKER,
        metrics: metrics.clone(),
        readiness: readiness.clone(),
        state,
    };
    http::start(&args.common, pages, &done, &mut tasks)?;

    let started = tokio::select! {
        started = start(&args, &metrics, &readiness, state_requests, &done, &mut tasks) => Some(started?),
        () = leave.cancelled() => None,
    };
    drop(starting);
    if let Some((engine, inputs)) = started {
        let leave = leave.clone();
        let guard = done.clone().drop_guard();
        tasks.spawn("engine", async move {
            let outcome = engine.run(inputs, leave).await;
            drop(guard);
            outcome
        });
    } else {
        done.cancel();
    }
    Ok(tasks.run(&leave).await?)
}

async fn start(
    args: &Args,
    metrics: &Metrics,
    readiness: &Readiness,
    state_requests: mpsc::Receiver<StateRequest<SpeakerState>>,
    done: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<(Engine, Inputs), Error> {
    let guards = Guards {
        joined: Some(readiness.expect("gossip")),
        listening: Some(readiness.expect("packet sockets")),
        configured: Some(readiness.expect("the accepted configuration")),
    };
    let counters = Arc::new(WireCounters::default());
    metrics::observe_wire(metrics, &counters)?;
    let (events, wire_events) = mpsc::unbounded_channel();
    // First, because it fails without the privilege.
    let wire = Wire::start(events, counters)?;
    let exclude = Patterns::with_defaults(&args.exclude_interfaces);
    let links = spawn_links(exclude.clone(), tasks, done);

    let client = kube::client().await?;
    let (update, updates) = mpsc::channel::<Update>(UPDATES);
    let watches = Watches {
        client: &client,
        updates: &update,
        readiness,
        cancel: done,
    };
    let class = args.load_balancer_class.clone();
    watches.spawn(tasks, &args.common.namespace, class);
    let counters = SpeakerMetrics::register(metrics)?;
    let reporter = spawn_reporter(args, &client, &counters, &links, tasks, done);

    let keyring = k8s::gossip_key(client.clone(), &args.common.namespace).await?;
    let nodes = k8s::count_nodes(client).await;
    let gossip = join(args, keyring, nodes, metrics).await?;
    let inputs = Inputs {
        updates,
        view: gossip.view(),
        links,
        wire_events,
        state_requests,
    };
    let engine = Engine::new(Parts {
        node: args.node_name.clone(),
        gossip_port: args.gossip_port,
        gossip,
        wire,
        exclude,
        refresh: args.announce_refresh(),
        initial_probe: args.initial_probe(),
        node_filter: args.node_filter(),
        metrics: counters,
        reporter,
        guards,
    });
    Ok((engine, inputs))
}

/// Starts the tasks that report to the cluster, independently of the engine.
fn spawn_reporter(
    args: &Args,
    client: &Client,
    counters: &SpeakerMetrics,
    links: &watch::Receiver<Arc<Links>>,
    tasks: &mut Tasks,
    done: &CancellationToken,
) -> Reporter {
    let by = events::Reporter {
        controller: SPEAKER,
        instance: args.node_name.clone(),
    };
    let events = counters.events.clone();
    let count = move |result: Outcome| events.with_label_values(&[result.label()]).inc();
    let (sender, writer) = events::channel(client.clone(), by, Arc::new(count));
    tasks.spawn_infallible("events", writer.run(done.clone()));

    let (statuses, status_updates) = watch::channel(Arc::default());
    let l2_status = L2StatusWriter::new(client.clone(), &args.common.namespace, args.author());
    let following = l2_status.run(status_updates, done.clone());
    tasks.spawn_infallible("ServiceL2Status", following);

    let (node, events) = (args.node_name.clone(), sender.clone());
    let report = move |loose| strict_arp_watch::report(&node, &events, loose);
    let watching = strict_arp_watch::watch(SETTINGS.into(), links.clone(), report, done.clone());
    tasks.spawn_infallible("strict ARP", watching);
    Reporter::new(args.node_name.clone(), sender, statuses)
}

fn spawn_links(
    exclude: Patterns,
    tasks: &mut Tasks,
    done: &CancellationToken,
) -> watch::Receiver<Arc<Links>> {
    let (sender, links) = watch::channel(Arc::default());
    tasks.spawn("links", links::watch(sender, exclude, done.clone()));
    links
}

async fn join(
    args: &Args,
    keyring: Keyring,
    nodes: usize,
    metrics: &Metrics,
) -> Result<Gossip, Error> {
    let any: IpAddr = match args.gossip_address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let interval = args.gossip_interval(nodes);
    tracing::info!(
        nodes,
        interval_ms = interval.as_millis(),
        "joining the gossip cluster"
    );
    let options = GossipOptions {
        node: args.node_name.clone(),
        generation: generation(),
        listen: SocketAddr::new(any, args.gossip_port),
        advertise: SocketAddr::new(args.gossip_address, args.gossip_port),
        interval,
        keyring,
    };
    let counters = Arc::new(GossipCounters::default());
    metrics::observe_gossip(metrics, &counters)?;
    Ok(Gossip::start(options, counters).await?)
}

/// Milliseconds since 1970: a restarted speaker has a higher generation than
/// the process before it.
fn generation() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
