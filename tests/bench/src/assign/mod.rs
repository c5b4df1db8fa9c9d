//! `make bench-assign`: allocations per second in memory, and how long a burst
//! of Services takes on a real API server beside the floor measured in the same
//! run: the same creates and bare status writes with no provider.

mod burst;
mod controller;
mod memory;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ferrolb_core::range::Family;
use ferrolb_lab::apiserver::ApiServer;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use self::controller::Controller;
use crate::figures::Figures;
use crate::say::print;

/// Sizes of the bursts.
const BURSTS: [usize; 2] = [1000, 5000];

/// What to measure with.
#[derive(Debug, clap::Args)]
pub(crate) struct AssignArgs {
    /// The controller's program.
    controller: PathBuf,

    /// How often each burst is made without FerroLB and with it, in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    pairs: u8,

    /// Services in a burst.
    #[arg(long, value_delimiter = ',', default_values_t = BURSTS)]
    services: Vec<usize>,
}

/// Measures, and prints each figure as it is there.
#[tokio::main]
pub(crate) async fn run(args: &AssignArgs) -> Result<()> {
    for (range, family) in [("10.200.0.0/16", Family::V4), ("fd77::/64", Family::V6)] {
        let time = memory::run(range, family)?;
        let count = f64::from(memory::COUNT) * 1.5;
        print(&format!(
            "in memory, {range}: {:.0} allocations/s",
            count / time.as_secs_f64()
        ));
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).context("cannot remove the last run")?;
    }
    let server = ApiServer::start(&dir)?;
    let client = client(server.kubeconfig()).await?;
    install(&server)?;
    print(
        "Services |   floor | FerroLB | ratio (middle of the pairs, all) | controller's peak memory",
    );
    for &count in &args.services {
        let mut pairs = Vec::new();
        for _ in 0..args.pairs {
            pairs.push(pair(&client, &server, &args.controller, count).await?);
        }
        print(&row(count, &pairs).context("no pair was measured")?);
    }
    Ok(())
}

/// A burst without FerroLB and one with it.
struct Pair {
    /// Seconds.
    floor: f64,
    /// Seconds.
    ours: f64,
    /// The controller's peak, in MiB.
    memory: f64,
}

async fn pair(client: &Client, server: &ApiServer, program: &Path, count: usize) -> Result<Pair> {
    let floor = burst::run(client, count, false).await?;
    burst::clean(client).await?;
    let controller = Controller::start(program, server.kubeconfig()).await?;
    let ours = burst::run(client, count, true).await?;
    let memory = controller.peak_memory()?;
    controller.stop().await?;
    burst::clean(client).await?;
    Ok(Pair {
        floor: floor.as_secs_f64(),
        ours: ours.as_secs_f64(),
        memory,
    })
}

fn row(count: usize, pairs: &[Pair]) -> Option<String> {
    let of = |value: fn(&Pair) -> f64| Figures::of(&pairs.iter().map(value).collect::<Vec<_>>());
    let (floor, ours) = (of(|pair| pair.floor)?, of(|pair| pair.ours)?);
    let (ratio, memory) = (of(|pair| pair.ours / pair.floor)?, of(|pair| pair.memory)?);
    let all: Vec<String> = pairs
        .iter()
        .map(|pair| format!("{:.2}", pair.ours / pair.floor))
        .collect();
    Some(format!(
        "{count:8} | {:6.2}s | {:6.2}s | {:5.2} of {} | {:.0} MiB",
        floor.median,
        ours.median,
        ratio.median,
        all.join(" "),
        memory.max
    ))
}

/// Namespace and configuration; the controller runs with an administrator's
/// rights here, the API suite holds it to its own.
fn install(server: &ApiServer) -> Result<()> {
    let config = "pools: [{name: lan, addresses: [10.200.0.0/16]}]";
    let literal = format!("--from-literal=config.yaml={config}");
    let namespace = "ferrolb-system";
    kubectl(server, &["create", "namespace", namespace])?;
    kubectl(
        server,
        &["-n", namespace, "create", "configmap", "ferrolb", &literal],
    )
}

fn kubectl(server: &ApiServer, args: &[&str]) -> Result<()> {
    let output = server.kubectl().args(args).output()?;
    if !output.status.success() {
        bail!(
            "kubectl {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    Ok(Client::try_from(config)?)
}
