//! A node: creating it, switching it on and off. The configuration of its programs is in
//! `files`, its init process in `init`, its NICs in `nics`.

mod files;
pub mod init;
mod nics;

use std::process::Command;
use std::time::Duration;

pub(crate) use files::PAUSE_IMAGE;
pub use nics::SPARE_NICS;
pub(crate) use nics::{plug, ports, unplug};

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::options::Options;
use crate::plan::{self, Network};
use crate::spawn::{self, SpawnOrder};
use crate::tools::Tools;
use crate::{cgroup_records, lan, netns, procs, wait};

/// Switches a node on: network, cgroup and init process. Its kubelet registers the Node.
pub(crate) fn power_on(dirs: &Dirs, node: u8, options: &Options) -> Result<(), LabError> {
    set_up_network(dirs, node, options.nodes)?;
    let order = files::write(dirs, node, options)?;
    let group = cgroup_records::create(dirs, &plan::node_name(node))?;
    let mut argv: Vec<String> = [
        "unshare",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--mount-proc",
        "--cgroup",
        "--kill-child=SIGKILL",
    ]
    .map(str::to_owned)
    .to_vec();
    argv.extend([
        dirs.lab_binary().display().to_string(),
        "node-init".to_owned(),
        order.display().to_string(),
    ]);
    let netns = Some(dirs.node_name(node));
    let spawn_order = SpawnOrder {
        group: group.clone(),
        netns,
        log: dirs.node_log(node, "init"),
        argv,
    };
    let outer = spawn::start(dirs, &plan::node_name(node), &spawn_order)?;
    group.park(outer.pid)
}

/// Switches a node off like a power cut: first the links, then every process, and finally
/// the network namespace, whose kernel would keep answering and forwarding. The disk
/// remains.
pub(crate) fn power_off(dirs: &Dirs, node: u8) -> Result<(), LabError> {
    for port in ports(dirs, node)? {
        if lan::has_port(dirs, &port) {
            lan::unplug(dirs, &port)?;
        }
    }
    let group = cgroup_records::read(dirs, &plan::node_name(node))?;
    group.kill()?;
    group.clear()?;
    netns::delete(&dirs.node_name(node))
}

/// Whether the node's init process is running.
pub(crate) fn is_on(dirs: &Dirs, node: u8) -> bool {
    procs::alive(dirs, &plan::node_name(node)).is_some()
}

/// The pid, in the root namespace, of the node's own PID 1.
fn init_pid(dirs: &Dirs, node: u8) -> Result<i32, LabError> {
    let name = plan::node_name(node);
    let Some(outer) = procs::alive(dirs, &name) else {
        return Err(LabError::PoweredOff { node: name });
    };
    wait::until("the node's init process", Duration::from_secs(10), || {
        outer
            .children()
            .first()
            .copied()
            .ok_or_else(|| "not started yet".to_owned())
    })
}

/// A command that runs on the node, in all of its namespaces.
pub(crate) fn exec<S: AsRef<std::ffi::OsStr>>(
    dirs: &Dirs,
    node: u8,
    argv: impl IntoIterator<Item = S>,
) -> Result<Command, LabError> {
    let mut command = Command::new("nsenter");
    command
        .arg("--target")
        .arg(init_pid(dirs, node)?.to_string());
    command.args([
        "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--", "env",
    ]);
    command.arg(format!("PATH={}", node_path())).args(argv);
    Ok(command)
}

/// PATH on a node: the lab's tools first.
fn node_path() -> String {
    format!(
        "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        Tools::standard().bin().display()
    )
}

/// Creates the node's namespace, NICs, routes to the other nodes' pods, and the rule that
/// masquerades pods when they leave the pod network. The default route to the bridge is
/// needed to reach Service addresses: the route is looked up before kube-proxy's rules
/// apply.
fn set_up_network(dirs: &Dirs, node: u8, nodes: u8) -> Result<(), LabError> {
    let netns = dirs.node_name(node);
    netns::create(&netns)?;
    nics::plug_all(dirs, node)?;
    netns::enter(&netns, enable_forwarding)??;
    lan::batch(&netns, &routes(node, nodes))?;
    let mut nft = netns::exec(&netns, ["nft", "-f", "-"]);
    crate::run::with_input(&mut nft, &masquerade(node))?;
    Ok(())
}

fn enable_forwarding() -> Result<(), LabError> {
    for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        crate::files::write_existing(&std::path::Path::new("/proc/sys/net").join(file), "1")?;
    }
    Ok(())
}

fn routes(node: u8, nodes: u8) -> String {
    let (v4, v6) = (
        Network::Lan.v4(plan::GATEWAY),
        Network::Lan.v6(plan::GATEWAY),
    );
    let mut lines = format!("route add default via {v4}\nroute add default via {v6}\n");
    for other in (1..=nodes).filter(|other| *other != node) {
        let host = plan::node_host(other);
        lines += &format!(
            "route add {} via {}\n",
            plan::pods_v4(other),
            Network::Lan.v4(host)
        );
        lines += &format!(
            "route add {} via {}\n",
            plan::pods_v6(other),
            Network::Lan.v6(host)
        );
    }
    lines
}

fn masquerade(node: u8) -> String {
    format!(
        "table inet ferrolb_lab {{ chain leaving {{ type nat hook postrouting priority srcnat; \
         oif eth0 ip saddr {} ip daddr != {} masquerade; \
         oif eth0 ip6 saddr {} ip6 daddr != {} masquerade; }}; }}\n",
        plan::pods_v4(node),
        plan::PODS_V4,
        plan::pods_v6(node),
        plan::PODS_V6,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_routes_to_every_other_node_and_none_to_itself() {
        let lines = routes(2, 3);
        assert!(
            lines.contains("10.78.1.0/24 via 10.77.0.11")
                && lines.contains("10.78.3.0/24 via 10.77.0.13")
        );
        assert!(!lines.contains("10.78.2.0/24"));
        assert_eq!(lines.lines().count(), 2 + 2 * 2);
    }
}
