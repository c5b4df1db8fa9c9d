//! `make bench-assign`: allocations per second in memory, and how long a burst
//! of Services takes on a real API server beside the floor measured in the same
//! run: the same creates and bare status writes with no provider.

mod burst;
mod memory;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ferrolb_core::range::Family;
use ferrolb_lab::apiserver::ApiServer;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::process::{Child, Command};

use crate::say::print;

/// Sizes of the bursts.
const BURSTS: [usize; 2] = [1000, 5000];

/// What to measure with.
#[derive(Debug, clap::Args)]
pub(crate) struct AssignArgs {
    /// The controller's program.
    controller: PathBuf,
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
    print("Services |   floor | FerroLB | ratio | controller's peak memory");
    for count in BURSTS {
        let floor = burst::run(&client, count, false).await?;
        burst::clean(&client).await?;
        let controller = Controller::start(&args.controller, server.kubeconfig()).await?;
        let ours = burst::run(&client, count, true).await?;
        let memory = controller.peak_memory()?;
        controller.stop().await?;
        burst::clean(&client).await?;
        print(&row(count, floor, ours, memory));
    }
    Ok(())
}

fn row(count: usize, floor: Duration, ours: Duration, memory: u64) -> String {
    let (floor, ours) = (floor.as_secs_f64(), ours.as_secs_f64());
    let ratio = ours / floor;
    format!("{count:8} | {floor:6.2}s | {ours:6.2}s | {ratio:5.2} | {memory} KiB")
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

/// The controller as a process of its own, so that its memory is its own.
struct Controller(Child);

impl Controller {
    /// Starts it and waits until it says that it is ready.
    async fn start(program: &Path, kubeconfig: &Path) -> Result<Self> {
        let child = Command::new(program)
            .args(["--http-listen=127.0.0.1:19617"])
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        for _ in 0..600 {
            let ready = Command::new("curl")
                .args(["-fsS", "http://127.0.0.1:19617/metrics"])
                .output()
                .await
                .context("cannot run curl")?;
            let text = String::from_utf8_lossy(&ready.stdout);
            if text.contains("ferrolb_controller_leader 1") {
                return Ok(Self(child));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the controller does not lead after thirty seconds")
    }

    /// The most memory it ever had resident, in KiB.
    fn peak_memory(&self) -> Result<u64> {
        let pid = self.0.id().context("the controller has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(number.context("no VmHWM in the status")?.parse()?)
    }

    async fn stop(mut self) -> Result<()> {
        self.0.kill().await.context("cannot end the controller")
    }
}
