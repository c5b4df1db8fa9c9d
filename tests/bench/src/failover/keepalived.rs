//! keepalived (Debian's package) instead of the speakers: on every node, with the
//! workload beside it as a plain process, for an IP of its own.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use ferrolb_lab::child::ChildGuard;
use ferrolb_lab::progress::Silent;
use ferrolb_lab::tools::{self, Product};
use ferrolb_lab::{LabError, files, netns, plan, run, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::say;
use crate::testbed::Testbed;

/// The IP that keepalived moves: on the LAN, in no pool.
pub(super) const IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 235);
/// How long keepalived may take to stop.
const TIMEOUT: Duration = Duration::from_secs(10);
/// keepalived and the workload on every node; they end when dropped.
#[derive(Debug)]
pub(super) struct Keepalived {
    nodes: Vec<Node>,
}

/// On one node.
#[derive(Debug)]
struct Node {
    namespace: String,
    dir: PathBuf,
    keepalived: ChildGuard,
    _workload: ChildGuard,
}

impl Keepalived {
    /// Starts them with this advertisement interval in milliseconds.
    pub(super) fn start(testbed: &Testbed, every: u32) -> Result<Self> {
        // Everything that the lab builds, so that nothing is built twice.
        let products = [Product::Controller, Product::Speaker, Product::Echo];
        let built = tools::build(&products, &Silent)?;
        let echo = built.last().context("no workload was built")?;
        let mut nodes = Vec::new();
        for node in 1..=testbed.nodes() {
            let dir = testbed.lab.dirs().node(node).join("keepalived");
            let namespace = testbed.lab.node_namespace(node);
            nodes.push(Node::start(
                dir,
                namespace,
                &plan::node_name(node),
                (echo, every),
            )?);
        }
        Ok(Self { nodes })
    }
}

impl Node {
    fn start(
        dir: PathBuf,
        namespace: String,
        name: &str,
        (echo, every): (&Path, u32),
    ) -> Result<Self> {
        files::write(&dir.join("conf"), configuration(every))?;
        let nft = ["nft", "-f", "-"];
        run::with_input(&mut netns::exec(&namespace, nft), &redirect())?;
        let mut workload = netns::exec(&namespace, [echo]);
        workload.env("POD_NAME", "echo").env("NODE_NAME", name);
        let workload = ChildGuard::start(&workload, &dir.join("echo.log"))?;
        let file = |name: &str| dir.join(name).display().to_string();
        let argv = [
            "keepalived".to_owned(),
            "--dont-fork".to_owned(),
            "--vrrp".to_owned(),
            "--log-console".to_owned(),
            format!("--use-file={}", file("conf")),
            format!("--pid={}", file("pid")),
            format!("--vrrp_pid={}", file("vrrp-pid")),
        ];
        let keepalived = ChildGuard::start(&netns::exec(&namespace, argv), &dir.join("log"))?;
        Ok(Self {
            namespace,
            dir,
            keepalived,
            _workload: workload,
        })
    }

    /// Lets keepalived take its IP away: killed, it would leave it behind.
    fn leave(&self) -> Result<(), LabError> {
        // It cannot be greater: see pid_max in proc(5).
        let pid = Pid::from_raw(i32::try_from(self.keepalived.pid()).unwrap_or(i32::MAX));
        // Gone already is what is wanted.
        let _gone = kill(pid, Signal::SIGTERM);
        wait::until("keepalived to leave", TIMEOUT, || {
            let gone = ["pid", "vrrp-pid"].map(|file| !self.dir.join(file).exists());
            gone.iter()
                .all(|gone| *gone)
                .then_some(())
                .ok_or_else(|| "its pid files are there".to_owned())
        })?;
        let delete = ["nft", "delete", "table", "ip", "bench"];
        run::output(&mut netns::exec(&self.namespace, delete))?;
        Ok(())
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        for node in &self.nodes {
            if let Err(error) = node.leave() {
                say::note(&error.sentence());
            }
        }
    }
}

/// Takes the workload's datagrams for the moved IP, and lets the answers come
/// from there, as kube-proxy does for a Service.
fn redirect() -> String {
    format!(
        "table ip bench {{ chain arriving {{ \
         type nat hook prerouting priority dstnat; \
         ip daddr {IP} udp dport 82 redirect to :8082; }}; }}\n"
    )
}

/// The same on every node: equals that keep what they have. Less than a second
/// between advertisements needs version 3 of the protocol.
fn configuration(every: u32) -> String {
    let version = if every < 1000 { 3 } else { 2 };
    let seconds = f64::from(every) / 1000.0;
    format!(
        "global_defs {{ vrrp_version {version} }}\n\
         vrrp_instance bench {{\n\
         \x20 state BACKUP\n\
         \x20 nopreempt\n\
         \x20 interface eth0\n\
         \x20 virtual_router_id 77\n\
         \x20 priority 100\n\
         \x20 advert_int {seconds}\n\
         \x20 virtual_ipaddress {{ {IP}/24 }}\n\
         }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_are_version_two_and_less_is_three() {
        let slow = configuration(1000);
        assert!(slow.contains("vrrp_version 2") && slow.contains("advert_int 1\n"));
        let fast = configuration(100);
        assert!(fast.contains("vrrp_version 3") && fast.contains("advert_int 0.1\n"));
    }
}
