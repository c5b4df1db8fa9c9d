//! The control plane of a lab: etcd, kube-apiserver, kube-controller-manager and
//! kube-scheduler in their own network namespace on the LAN, and the relay through which
//! the root namespace reaches them.

use std::time::Duration;

use crate::cgroup::Group;
use crate::credentials::{self, User};
use crate::dirs::Dirs;
use crate::error::LabError;
use crate::flags::{self, ApiFlags, EtcdFlags};
use crate::options::Options;
use crate::pki::Pki;
use crate::plan::{self, Network};
use crate::relay::{self, Order};
use crate::spawn::{self, SpawnOrder};
use crate::tools::Tools;
use crate::{cgroup_records, files, lan, netns, procs, run, wait};

/// Name of the control plane's namespace, cgroup and port.
pub(crate) const API: &str = "api";
/// How long the API server may take to start on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// Users other than the administrator and the nodes: name of the kubeconfig, user name.
const COMPONENTS: [(&str, &str); 3] = [
    ("controller-manager", "system:kube-controller-manager"),
    ("scheduler", "system:kube-scheduler"),
    ("proxy", "system:kube-proxy"),
];

/// Writes certificates, tokens and kubeconfigs, except the administrator's kubeconfig: its
/// server address is known only when the relay listens.
pub(crate) fn prepare(dirs: &Dirs, options: &Options) -> Result<(), LabError> {
    let address = Network::Lan.v4(plan::API);
    let names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "localhost",
        "127.0.0.1",
        plan::API_SERVICE,
    ];
    let pki = Pki::create(
        &dirs.file("pki"),
        &[&names[..], &[address.as_str()]].concat(),
    )?;
    let mut users = vec![User::admin()?];
    files::write(&dirs.file("admin.token"), &users[0].token)?;
    for (file, user) in COMPONENTS {
        let user = User::fresh(user, None)?;
        credentials::write_kubeconfig(&kubeconfig(dirs, file), &lan_url(), &pki.ca(), &user)?;
        users.push(user);
    }
    for node in 1..=options.nodes {
        let user = User::fresh(
            &format!("system:node:{}", plan::node_name(node)),
            Some("system:nodes"),
        )?;
        credentials::write_kubeconfig(
            &dirs.node(node).join("kubelet.kubeconfig"),
            &lan_url(),
            &pki.ca(),
            &user,
        )?;
        users.push(user);
    }
    credentials::write_tokens(&dirs.file("tokens.csv"), &users)
}

/// The kubeconfig of a user.
pub(crate) fn kubeconfig(dirs: &Dirs, user: &str) -> std::path::PathBuf {
    dirs.file(&format!("{user}.kubeconfig"))
}

/// The API server's address on the LAN.
fn lan_url() -> String {
    format!("https://{}:{}", Network::Lan.v4(plan::API), plan::API_PORT)
}

/// Creates the namespace and starts etcd, the API server and the relay.
pub(crate) fn start(dirs: &Dirs) -> Result<(), LabError> {
    let netns = dirs.name(API);
    netns::create(&netns)?;
    lan::plug(
        dirs,
        &lan::Nic {
            netns: &netns,
            name: "eth0",
            port: API,
            network: Network::Lan,
            host: plan::API,
        },
    )?;
    let group = cgroup_records::create(dirs, API)?;
    let etcd = EtcdFlags {
        data: dirs.file("etcd"),
        client: 2379,
        peer: 2380,
    };
    spawn_program(dirs, &group, "etcd", etcd.args())?;
    start_api(dirs)?;
    start_relay(dirs, &group)
}

/// Starts the API server, which takes some seconds to be ready.
pub(crate) fn start_api(dirs: &Dirs) -> Result<(), LabError> {
    let flags = ApiFlags {
        etcd: 2379,
        advertise: Network::Lan.v4(plan::API),
        bind: "0.0.0.0".to_owned(),
        port: plan::API_PORT,
        pki: Pki::at(&dirs.file("pki")),
        tokens: dirs.file("tokens.csv"),
        nodes: true,
    };
    spawn_program(
        dirs,
        &cgroup_records::read(dirs, API)?,
        "kube-apiserver",
        flags.args(),
    )
}

/// Starts kube-controller-manager and kube-scheduler, which need the API server.
pub(crate) fn start_controllers(dirs: &Dirs, options: &Options) -> Result<(), LabError> {
    let group = cgroup_records::read(dirs, API)?;
    let pki = Pki::at(&dirs.file("pki"));
    let manager = flags::controller_manager(
        &kubeconfig(dirs, "controller-manager"),
        &pki,
        &dirs.file("volume-plugins"),
        options.timing.clocks(),
    );
    spawn_program(dirs, &group, "kube-controller-manager", manager)?;
    spawn_program(
        dirs,
        &group,
        "kube-scheduler",
        flags::scheduler(&kubeconfig(dirs, "scheduler")),
    )
}

/// Whether the process of the API server is running.
pub(crate) fn api_runs(dirs: &Dirs) -> bool {
    procs::alive(dirs, "kube-apiserver").is_some()
}

/// Waits until the API server reports ready.
pub(crate) fn wait_ready(dirs: &Dirs) -> Result<(), LabError> {
    wait::until("kube-apiserver to be ready", DEADLINE, || {
        if !api_runs(dirs) {
            return Err(format!(
                "its process exited; see {}",
                dirs.log("kube-apiserver").display()
            ));
        }
        run::output(kubectl(dirs).args(["get", "--raw", "/readyz"]))
            .map_err(|error| error.sentence())
    })?;
    Ok(())
}

/// kubectl as administrator, to be run in the root namespace.
pub(crate) fn kubectl(dirs: &Dirs) -> std::process::Command {
    let mut command = std::process::Command::new(Tools::standard().program("kubectl"));
    command
        .env("KUBECONFIG", kubeconfig(dirs, "admin"))
        .env("KUBECACHEDIR", dirs.file("kube-cache"));
    command
}

fn start_relay(dirs: &Dirs, group: &Group) -> Result<(), LabError> {
    let port_file = dirs.file("relay.port");
    let order = Order {
        netns: dirs.name(API),
        target: ([10, 77, 0, plan::API], plan::API_PORT).into(),
        port_file: port_file.clone(),
    };
    let order = serde_json::to_string(&order).map_err(|source| LabError::Parse {
        what: "the order for the relay".to_owned(),
        source,
    })?;
    let argv = vec![
        dirs.lab_binary().display().to_string(),
        "relay".to_owned(),
        order,
    ];
    let order = SpawnOrder {
        group: group.clone(),
        netns: None,
        log: dirs.log("relay"),
        argv,
    };
    spawn::start(dirs, "relay", &order)?;
    let port = wait::until("the relay to listen", Duration::from_secs(10), || {
        relay::port(&port_file).ok_or_else(|| "it has not written its port yet".to_owned())
    })?;
    let admin = User {
        name: "admin".to_owned(),
        group: None,
        token: files::read(&dirs.file("admin.token"))?,
    };
    let server = format!("https://127.0.0.1:{port}");
    credentials::write_kubeconfig(
        &kubeconfig(dirs, "admin"),
        &server,
        &Pki::at(&dirs.file("pki")).ca(),
        &admin,
    )
}

fn spawn_program(
    dirs: &Dirs,
    group: &Group,
    program: &str,
    args: Vec<String>,
) -> Result<(), LabError> {
    let mut argv = vec![Tools::standard().program(program).display().to_string()];
    argv.extend(args);
    let order = SpawnOrder {
        group: group.clone(),
        netns: Some(dirs.name(API)),
        log: dirs.log(program),
        argv,
    };
    spawn::start(dirs, program, &order)?;
    Ok(())
}
