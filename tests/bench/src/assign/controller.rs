//! The controller as a process of its own, so that its memory is its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// What a leading controller's `/metrics` has a line of; the help text speaks
/// of the same name.
const LEADING: &str = "ferrolb_controller_leader 1";

pub(super) struct Controller(Child);

impl Controller {
    /// Starts it and waits until it leads.
    pub(super) async fn start(program: &Path, kubeconfig: &Path) -> Result<Self> {
        let listen = free_port()?;
        let child = Command::new(program)
            .arg(format!("--http-listen={listen}"))
            .arg("--probe-listen=127.0.0.1:0")
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        for _ in 0..600 {
            let metrics = Command::new("curl")
                .args(["-fsS", &format!("http://{listen}/metrics")])
                .output()
                .await
                .context("cannot run curl")?;
            let text = String::from_utf8_lossy(&metrics.stdout);
            if text.lines().any(|line| line == LEADING) {
                return Ok(Self(child));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the controller does not lead after thirty seconds")
    }

    /// The most memory it ever had resident, in MiB.
    pub(super) fn peak_memory(&self) -> Result<f64> {
        let pid = self.0.id().context("the controller has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        let kib: f64 = number.context("no VmHWM in the status")?.parse()?;
        Ok(kib / 1024.0)
    }

    /// Stops it as Kubernetes would, so that the next one need not wait for
    /// its lease to run out.
    pub(super) async fn stop(mut self) -> Result<()> {
        let pid = self.0.id().context("the controller has ended")?;
        kill(Pid::from_raw(pid.try_into()?), Signal::SIGTERM)?;
        self.0.wait().await.context("cannot end the controller")?;
        Ok(())
    }
}

/// An address on loopback that nobody listens at.
fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}
