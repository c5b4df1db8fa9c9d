//! The program `lab`: reads the command line, calls the library, writes what it says.
//! Decides nothing.

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
use ferrolb_lab::{LabError, demo, ferrolb, interrupt, node, probe, relay, spawn, status};

/// A LAN of network namespaces with a real Kubernetes cluster and FerroLB on it.
#[derive(Parser)]
#[command(name = "lab", bin_name = "cargo lab")]
struct Cli {
    /// The lab's state directory [default: target/lab of this checkout].
    #[arg(long, env = "LAB_DIR", global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Bring the lab up; harmless if it is up.
    Up(UpArgs),
    /// Remove everything the lab made.
    Down,
    /// Show what is there.
    Status,
    /// Run kubectl as the cluster's administrator.
    #[command(disable_help_flag = true)]
    Kubectl {
        /// kubectl's own arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run a command on node-1 …, client, api or lan.
    Exec {
        /// Where.
        place: String,
        /// The command and its arguments, after `--`.
        #[arg(last = true, required = true)]
        argv: Vec<OsString>,
    },
    /// Break a node.
    Fail {
        /// The node's name.
        node: String,
        /// In which way.
        #[arg(long, value_enum, default_value = "link")]
        how: FailureMode,
    },
    /// Undo everything that was done to a node by `fail`.
    Heal {
        /// The node's name.
        node: String,
    },
    /// Plug a further NIC of a node into the spare network.
    Plug {
        /// The node's name.
        node: String,
        /// eth1, eth2 or eth3.
        nic: String,
    },
    /// Take such a NIC away again.
    Unplug {
        /// The node's name.
        node: String,
        /// eth1, eth2 or eth3.
        nic: String,
    },
    /// SIGKILL to controller (every replica), speaker-N, or api (stays down).
    Kill {
        /// Whom.
        target: String,
    },
    /// Restart controller, speaker-N or api, and wait until it is ready.
    Restart {
        /// Whom.
        target: String,
    },
    /// Build FerroLB again, import it, roll it out.
    Reload,
    /// Build the images of controller and speaker as OCI archives, and print where they are.
    Images,
    /// Print a log: controller, speaker-N, api, etcd, kubelet-N, containerd-N, …
    Logs {
        /// Which.
        name: String,
    },
    /// Show the main job as a story; exit 0 only if all of it happened.
    Demo,
    /// Ask the sample workload again and again, and report the silence.
    Probe(ProbeArgs),
    /// Start one of the lab's processes.
    #[command(hide = true)]
    Spawn { order: String },
    /// Carry connections to the API server.
    #[command(hide = true)]
    Relay { order: String },
    /// Be a node's first process.
    #[command(hide = true)]
    NodeInit { order: PathBuf },
}

#[derive(Args)]
struct UpArgs {
    /// How many nodes.
    #[arg(long, default_value_t = 3)]
    nodes: u8,
    /// The cluster without FerroLB.
    #[arg(long)]
    bare: bool,
    /// How kube-proxy writes its rules.
    #[arg(long, value_enum, default_value = "nftables")]
    proxy_mode: ProxyMode,
    /// How soon Kubernetes believes that a node is dead: after 6 s or 50 s.
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
        complain(&error.sentence());
        ExitCode::FAILURE
    })
}

fn run(lab: &Lab, what: What) -> Result<ExitCode, LabError> {
    match what {
        What::Up(args) => {
            interrupt::watch()?;
            lab.up(&args.options(), &Stderr::new()).map(done)
        }
        What::Down => lab.down(&Stderr::new()).map(done),
        What::Status => say(&status::text(lab)),
        What::Kubectl { args } => {
            lab.options()?;
            become_program(lab.kubectl_command().args(args))
        }
        What::Exec { place, argv } => become_program(&mut lab.command_at(&place, argv)?),
        What::Fail { node, how } => lab.fail(number(lab, &node)?, how).map(done),
        What::Heal { node } => lab.heal(number(lab, &node)?).map(done),
        What::Plug { node, nic } => lab.plug(number(lab, &node)?, &nic).map(done),
        What::Unplug { node, nic } => lab.unplug(number(lab, &node)?, &nic).map(done),
        What::Kill { target } => lab.kill(&target).map(done),
        What::Restart { target } => lab.restart(&target).map(done),
        What::Reload => {
            interrupt::watch()?;
            lab.reload(&Stderr::new()).map(done)
        }
        What::Images => {
            let archives = ferrolb::release_images(&Stderr::new())?;
            let lines = archives.iter().map(|path| format!("{}\n", path.display()));
            say(&lines.collect::<String>())
        }
        What::Logs { name } => say(&lab.logs(&name)?),
        What::Demo => tell(lab),
        What::Probe(args) => ask(lab, &args),
        What::Spawn { order } => say(&spawn::run_order(&order)?.to_string()),
        What::Relay { order } => relay::serve(&order).map(done),
        What::NodeInit { order } => node::init::run_order(&order).map(done),
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

/// The demo, in a lab of its own unless one is up.
fn tell(lab: &Lab) -> Result<ExitCode, LabError> {
    interrupt::watch()?;
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if let Err(error) = demo::run(lab, &Stderr::new(), &mut std::io::stdout(), colour) {
        complain(&error.sentence());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(lab: &Lab, args: &ProbeArgs) -> Result<ExitCode, LabError> {
    let namespace = lab.namespace_of(&args.from)?;
    if let Err(error) = probe::command::run(&namespace, args, &mut std::io::stdout()) {
        complain(&error.to_string());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces this process, so that the program has the terminal and gives its own status.
fn become_program(command: &mut Command) -> Result<ExitCode, LabError> {
    let source = command.exec();
    Err(LabError::Start {
        command: ferrolb_lab::run::render(command),
        source,
    })
}

fn say(text: &str) -> Result<ExitCode, LabError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read us has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(source) => Err(LabError::File {
            doing: "write",
            path: "stdout".into(),
            source,
        }),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn complain(text: &str) {
    // Nothing is left to be done if stderr is gone too.
    let _unseen = writeln!(std::io::stderr(), "lab: {text}");
}
