//! Starts a lab, step by step, with one progress line per step. The work of a step is in
//! the module it calls.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::options::{Options, ProxyMode};
use crate::plan;
use crate::progress::Progress;
use crate::tools::{self, Need, Tools};
use crate::{
    control_plane, down, env_file, ferrolb, files, interrupt, lan, netns, node, procs, run, wait,
};

/// How long a node may take to become Ready on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// Programs that every lab needs.
const REQUIRED: [&str; 9] = [
    "ip",
    "nft",
    "nsenter",
    "unshare",
    "setpriv",
    "mount",
    "curl",
    "arping",
    "conntrack",
];
/// Directories that every node replaces by its own: a checkout or lab below them would
/// be invisible on the nodes.
const HIDDEN: [&str; 4] = ["/run", "/var/run", "/var/lib", "/var/log"];

/// The options with which the lab was started.
pub(crate) fn options(dirs: &Dirs) -> Result<Options, LabError> {
    let file = dirs.file("lab.json");
    if !file.exists() {
        return Err(LabError::NotUp);
    }
    files::read_json(&file)
}

/// Whether `up` completed and its processes are still running.
pub(crate) fn is_complete(dirs: &Dirs) -> bool {
    dirs.file("env").exists()
        && procs::alive(dirs, "relay").is_some()
        && procs::alive(dirs, "etcd").is_some()
}

/// Starts the lab; on an interrupt, removes it again.
pub(crate) fn run(dirs: &Dirs, options: &Options, progress: &dyn Progress) -> Result<(), LabError> {
    check(dirs, options)?;
    if let Some(parent) = dirs.root().parent() {
        files::create_dir(parent)?;
    }
    let _lock = tools::lock(&dirs.lock())?;
    let result = bring_up(dirs, options, progress);
    match &result {
        Err(LabError::Interrupted) => {
            progress.step("interrupted: removing the lab");
            down::remove_all(dirs)?;
        }
        Err(_) if dirs.file("lab.json").exists() => {
            progress.step("the lab is left in place for inspection; `cargo lab down` removes it");
        }
        _ => {}
    }
    result
}

/// Checks all preconditions before anything is created.
fn check(dirs: &Dirs, options: &Options) -> Result<(), LabError> {
    tools::require_root()?;
    tools::require(&REQUIRED)?;
    if options.proxy_mode == ProxyMode::Iptables {
        tools::require(&["iptables"])?;
    }
    if options.nodes == 0 || options.nodes > plan::MAX_NODES {
        return Err(LabError::NodeCount {
            max: plan::MAX_NODES,
        });
    }
    for path in [dirs.root().to_path_buf(), tools::checkout()] {
        if let Some(hidden) = HIDDEN.into_iter().find(|hidden| path.starts_with(hidden)) {
            return Err(LabError::HiddenDirectory { path, hidden });
        }
    }
    Ok(())
}

fn bring_up(dirs: &Dirs, requested: &Options, progress: &dyn Progress) -> Result<(), LabError> {
    let cluster = Options {
        bare: true,
        ..requested.clone()
    };
    if is_complete(dirs) {
        let current = options(dirs)?;
        if (Options {
            bare: true,
            ..current.clone()
        }) != cluster
        {
            return Err(LabError::OtherOptions);
        }
        progress.step("the lab is already up");
        if !current.bare || requested.bare {
            return Ok(());
        }
        ferrolb::load_images(dirs, requested, progress)?;
    } else {
        build(requested, progress)?;
        down::remove_all(dirs)?;
        start(dirs, &cluster, progress)?;
    }
    if !requested.bare {
        ferrolb::install(dirs, progress)?;
        files::write_json(&dirs.file("lab.json"), requested)?;
    }
    interrupt::check()?;
    progress.step(&format!(
        "the lab is up; for its variables run `. {}`",
        dirs.file("env").display()
    ));
    Ok(())
}

/// Builds programs and images, before anything on the machine is changed.
fn build(options: &Options, progress: &dyn Progress) -> Result<(), LabError> {
    Tools::standard().ensure(Need::Cluster, progress)?;
    ferrolb::build_images(options.bare, progress)
}

fn start(dirs: &Dirs, options: &Options, progress: &dyn Progress) -> Result<(), LabError> {
    files::write_json(&dirs.file("lab.json"), options)?;
    files::copy(&tools::lab_binary(progress)?, &dirs.lab_binary())?;
    ferrolb::copy_images(dirs)?;
    progress.step("creating the LAN, the control plane and the client");
    lan::create(dirs)?;
    control_plane::prepare(dirs, options)?;
    control_plane::start(dirs)?;
    lan::machine(dirs, "client", plan::CLIENT)?;
    interrupt::check()?;
    progress.step(&format!("switching on {}", count_of_nodes(options.nodes)));
    for number in 1..=options.nodes {
        node::power_on(dirs, number, options)?;
    }
    control_plane::wait_ready(dirs)?;
    control_plane::start_controllers(dirs, options)?;
    progress.step("waiting for the nodes to be Ready");
    wait_for_nodes(dirs, options)?;
    env_file::write(dirs, options.nodes)
}

fn count_of_nodes(nodes: u8) -> String {
    if nodes == 1 {
        "1 node".to_owned()
    } else {
        format!("{nodes} nodes")
    }
}

/// Waits until every node is registered and Ready and kube-proxy has written its first
/// rules, which happens later. Sets the nodes' pod ranges.
fn wait_for_nodes(dirs: &Dirs, options: &Options) -> Result<(), LabError> {
    for number in 1..=options.nodes {
        set_pod_ranges(dirs, number)?;
    }
    wait::until("every node to be Ready", DEADLINE, || {
        let path = "-ojsonpath={range .items[*]}{.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}";
        let shown = run::output(control_plane::kubectl(dirs).args(["get", "nodes", path]))
            .map_err(|error| error.sentence())?;
        let ready = shown.lines().filter(|line| *line == "True").count();
        if ready == usize::from(options.nodes) {
            Ok(())
        } else {
            Err(format!("{ready} of {} are Ready", options.nodes))
        }
    })?;
    (1..=options.nodes).try_for_each(|number| wait_for_kube_proxy(dirs, number))
}

/// Sets the pod ranges of a node. No controller assigns them, so that a node's number,
/// address and ranges match.
fn set_pod_ranges(dirs: &Dirs, number: u8) -> Result<(), LabError> {
    let (v4, v6) = (plan::pods_v4(number), plan::pods_v6(number));
    let patch = format!(r#"{{"spec":{{"podCIDR":"{v4}","podCIDRs":["{v4}","{v6}"]}}}}"#);
    let name = plan::node_name(number);
    wait::until(&format!("{name} to register"), DEADLINE, || {
        if !node::is_on(dirs, number) {
            return Err(format!(
                "its init process exited; see {}",
                dirs.node_log(number, "init").display()
            ));
        }
        run::output(control_plane::kubectl(dirs).args([
            "patch",
            "node",
            &name,
            "--type=merge",
            "-p",
            &patch,
        ]))
        .map_err(|error| error.sentence())
    })?;
    Ok(())
}

fn wait_for_kube_proxy(dirs: &Dirs, number: u8) -> Result<(), LabError> {
    let what = format!("kube-proxy's rules on {}", plan::node_name(number));
    let api = SocketAddr::new(IpAddr::from([10, 96, 0, 1]), 443);
    wait::until(&what, DEADLINE, || {
        let connect = || TcpStream::connect_timeout(&api, Duration::from_secs(1));
        let connected =
            netns::enter(&dirs.node_name(number), connect).map_err(|error| error.sentence())?;
        connected.map_err(|error| format!("{api}: {error}"))
    })?;
    Ok(())
}
