//! keepalived (Debian's package) in the speakers' place: on every node, with
//! the workload beside it as a plain process, for an IP of its own.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use ferrolb_lab::kept::Kept;
use ferrolb_lab::progress::Silent;
use ferrolb_lab::tools::{self, Product};
use ferrolb_lab::{files, netns, plan};

use crate::ground::Ground;

/// The IP that keepalived moves: on the LAN, in no pool.
pub(super) const IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 235);
/// The workload's own UDP port.
pub(super) const PORT: u16 = 8082;

/// keepalived and the workload on every node; they end when dropped.
#[derive(Debug)]
pub(super) struct Yardstick {
    _programs: Vec<Kept>,
}

impl Yardstick {
    /// Starts them, advertising every so many milliseconds.
    pub(super) fn start(ground: &Ground, every: u32) -> Result<Self> {
        let built = tools::build(&[Product::Echo], &Silent)?;
        let echo = built.first().context("no workload was built")?;
        let mut programs = Vec::new();
        for node in 1..=ground.nodes() {
            let name = plan::node_name(node);
            let dir = ground.lab.dirs().node(node).join("keepalived");
            files::write(&dir.join("conf"), configuration(every))?;
            let file = |name: &str| dir.join(name).display().to_string();
            let namespace = ground.lab.node_namespace(node);
            let mut workload = netns::exec(&namespace, [echo]);
            workload.env("POD_NAME", "echo").env("NODE_NAME", name);
            programs.push(Kept::start(&workload, &dir.join("echo.log"))?);
            let argv = [
                "keepalived".to_owned(),
                "--dont-fork".to_owned(),
                "--vrrp".to_owned(),
                "--log-console".to_owned(),
                format!("--use-file={}", file("conf")),
                format!("--pid={}", file("pid")),
                format!("--vrrp_pid={}", file("vrrp-pid")),
            ];
            let keepalived = netns::exec(&namespace, argv);
            programs.push(Kept::start(&keepalived, &dir.join("log"))?);
        }
        Ok(Self {
            _programs: programs,
        })
    }
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
