//! The program `lab`: parses the command line, calls the library and prints results.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Args, Parser, Subcommand};
use ferrolb_lab::dirs::Dirs;
use ferrolb_lab::lab::{FailureMode, Lab, Options, ProxyMode, Timing};
use ferrolb_lab::probe::command::ProbeArgs;
use ferrolb_lab::progress::Stderr;
use ferrolb_lab::{LabError, demo, interrupt, node, probe, relay, spawn, status};

/// Run a real Kubernetes cluster with FerroLB on a LAN of network namespaces.
#[derive(Parser)]
#[command(name = "lab", bin_name = "cargo lab")]
struct Cli {
    /// State directory [default: target/lab of this checkout].
    #[arg(long, env = "LAB_DIR", global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start the lab; does nothing if it is up.
    Up(UpArgs),
    /// Stop the lab and remove everything it created.
    Down,
    /// Show nodes, links and pods.
    Status,
    /// Run kubectl as cluster administrator.
    #[command(disable_help_flag = true)]
    Kubectl {
        /// Arguments for kubectl.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run a command on node-N, client, api or lan.
    Exec {
        /// Machine: node-N, client, api or lan.
        machine: String,
        /// The command and its arguments, after `--`.
        #[arg(last = true, required = true)]
        argv: Vec<OsString>,
    },
    /// Make a node fail.
    Fail {
        /// Name of the node.
        node: String,
        /// Failure mode.
        #[arg(long, value_enum, default_value = "link")]
        how: FailureMode,
    },
    /// Undo every failure of a node.
    Heal {
        /// Name of the node.
        node: String,
    },
    /// Connect another NIC of a node to the spare network.
    Plug {
        /// Name of the node.
        node: String,
        /// Name of the NIC: eth1, eth2 or eth3.
        nic: String,
    },
    /// Remove a NIC added by `plug`.
    Unplug {
        /// Name of the node.
        node: String,
        /// Name of the NIC: eth1, eth2 or eth3.
        nic: String,
    },
    /// Send SIGKILL to controller (every replica), speaker-N, or api (stays down).
    Kill {
        /// Component: controller, speaker-N or api.
        component: String,
    },
    /// Restart controller, speaker-N or api and wait until it is ready.
    Restart {
        /// Component: controller, speaker-N or api.
        component: String,
    },
    /// Rebuild FerroLB, import the images and roll them out.
    Reload,
    /// Print a log: controller, speaker-N, api, etcd, kubelet-N, containerd-N, …
    Logs {
        /// Name of the log.
        name: String,
    },
    /// Demonstrate a failover step by step; exits 0 only if every step succeeds.
    Demo,
    /// Probe the sample workload continuously and report the longest outage.
    Probe(ProbeArgs),
    /// Start a process of the lab.
    #[command(hide = true)]
    Spawn { order: String },
    /// Relay connections to the API server.
    #[command(hide = true)]
    Relay { order: String },
    /// Run as the init process of a node.
    #[command(hide = true)]
    NodeInit { order: PathBuf },
}

#[derive(Args)]
struct UpArgs {
    /// Number of nodes.
    #[arg(long, default_value_t = 3)]
    nodes: u8,
    /// Start the cluster without FerroLB.
    #[arg(long)]
    bare: bool,
    /// Mode of kube-proxy.
    #[arg(long, value_enum, default_value = "nftables")]
    proxy_mode: ProxyMode,
    /// When Kubernetes marks a dead node NotReady: fast = 6 s, default = 50 s.
    #[arg(long, value_enum, default_value = "fast")]
    kubernetes_timing: Timing,
}

impl UpArgs {
    fn options(&self) -> Options {
        Options {
            nodes: self.nodes,
            bare: self.bare,
            proxy_mode: self.proxy_mode,
            timing: self.kubernetes_timing,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let dir = cli.dir.unwrap_or_else(Dirs::standard);
    let outcome = Lab::open(&dir).and_then(|lab| run(&lab, cli.command));
    outcome.unwrap_or_else(|error| {
        print_error(&error.sentence());
        ExitCode::FAILURE
    })
}

fn run(lab: &Lab, action: Action) -> Result<ExitCode, LabError> {
    match action {
        Action::Up(args) => {
            interrupt::watch()?;
            lab.up(&args.options(), &Stderr::new()).map(done)
        }
        Action::Down => lab.down(&Stderr::new()).map(done),
        Action::Status => print(&status::text(lab)),
        Action::Kubectl { args } => {
            lab.options()?;
            exec(lab.kubectl_command().args(args))
        }
        Action::Exec { machine, argv } => exec(&mut lab.command_at(&machine, argv)?),
        Action::Fail { node, how } => lab.fail(number(lab, &node)?, how).map(done),
        Action::Heal { node } => lab.heal(number(lab, &node)?).map(done),
        Action::Plug { node, nic } => lab.plug(number(lab, &node)?, &nic).map(done),
        Action::Unplug { node, nic } => lab.unplug(number(lab, &node)?, &nic).map(done),
        Action::Kill { component } => lab.kill(&component).map(done),
        Action::Restart { component } => lab.restart(&component).map(done),
        Action::Reload => {
            interrupt::watch()?;
            lab.reload(&Stderr::new()).map(done)
        }
        Action::Logs { name } => print(&lab.logs(&name)?),
        Action::Demo => run_demo(lab),
        Action::Probe(args) => run_probe(lab, &args),
        Action::Spawn { order } => print(&spawn::run_order(&order)?.to_string()),
        Action::Relay { order } => relay::serve(&order).map(done),
        Action::NodeInit { order } => node::init::run_order(&order).map(done),
    }
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

fn number(lab: &Lab, name: &str) -> Result<u8, LabError> {
    let nodes = lab.options()?.nodes;
    lab.node_number(name).ok_or_else(|| LabError::UnknownNode {
        name: name.to_owned(),
        nodes,
    })
}

/// Runs the demo, in a lab of its own unless one is up.
fn run_demo(lab: &Lab) -> Result<ExitCode, LabError> {
    interrupt::watch()?;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if let Err(error) = demo::run(lab, &Stderr::new(), &mut std::io::stdout(), colour) {
        print_error(&error.sentence());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn run_probe(lab: &Lab, args: &ProbeArgs) -> Result<ExitCode, LabError> {
    let namespace = lab.namespace_of(&args.from)?;
    if let Err(error) = probe::command::run(&namespace, args, &mut std::io::stdout()) {
        print_error(&error.to_string());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces this process by the command, which thus has the terminal and sets the exit
/// status.
fn exec(command: &mut Command) -> Result<ExitCode, LabError> {
    let source = command.exec();
    Err(LabError::Start {
        command: ferrolb_lab::run::render(command),
        source,
    })
}

fn print(text: &str) -> Result<ExitCode, LabError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader has closed the pipe and wants no more.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(source) => Err(LabError::File {
            doing: "write",
            path: "stdout".into(),
            source,
        }),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn print_error(text: &str) {
    // If stderr is closed too, there is nowhere left to report.
    let _unwritten = writeln!(std::io::stderr(), "lab: {text}");
}
