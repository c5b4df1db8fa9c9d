//! The errors of the lab: one variant per failure, and where the user can do
//! something about it, a message that says what. No I/O here.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use ferrolb_core::text::Chain;

/// What went wrong while building, changing or removing a lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A file or directory could not be read, written, linked or removed.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// The verb: "read", "write", "create", …
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: ExitStatus,
        /// What it wrote to stderr, trimmed.
        stderr: String,
    },
    /// A system call was refused.
    #[error("cannot {doing}")]
    System {
        /// The verb and its object.
        doing: String,
        /// The operating system's answer.
        #[source]
        source: nix::errno::Errno,
    },
    /// A certificate or key could not be created.
    #[error("cannot create the certificate of {subject}")]
    Certificate {
        /// Whose certificate.
        subject: String,
        /// The reason.
        #[source]
        source: rcgen::Error,
    },
    /// A file of the lab, or the output of a program, is malformed.
    #[error("cannot parse {what}")]
    Parse {
        /// The file or answer.
        what: String,
        /// The reason.
        #[source]
        source: serde_json::Error,
    },
    /// An image could not be built.
    #[error("cannot build the image {reference}")]
    Image {
        /// The image's reference.
        reference: String,
        /// The reason.
        #[source]
        source: ferrolb_image::ImageError,
    },
    /// A condition was not met in time.
    #[error("timed out after {} s waiting for {what}: {last}", waited.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
        /// The last observation.
        last: String,
    },
    /// The lab does not run as root.
    #[error(
        "the lab creates namespaces, cgroups and mounts and needs root: repeat the command with sudo"
    )]
    NotRoot,
    /// Programs are not installed; each with what installs it.
    #[error("missing programs: {}", .0.join("; "))]
    MissingPrograms(Vec<String>),
    /// A file of a package is not installed.
    #[error("missing file {path}: apt-get install {package}")]
    MissingFile {
        /// The file.
        path: String,
        /// The Debian package that contains it.
        package: String,
    },
    /// No cgroup hierarchy is mounted.
    #[error("no cgroup file system is mounted: mount cgroup2 on /sys/fs/cgroup")]
    NoCgroups,
    /// Neither cgroup v2 nor the v1 freezer controller is available.
    #[error(
        "no cgroup freezer is available: use a kernel with cgroup v2 or with the v1 freezer controller"
    )]
    NoFreezer,
    /// The command needs a lab that is up.
    #[error("the lab is not up: run `cargo lab up` first")]
    NotUp,
    /// A lab with other options is up.
    #[error("the lab is up with other options: run `cargo lab down` first")]
    OtherOptions,
    /// The command needs FerroLB in the lab.
    #[error("FerroLB is not installed in this lab: run `cargo lab up` to install it")]
    WithoutFerrolb,
    /// The number of nodes is out of bounds.
    #[error("the number of nodes must be between 1 and {max}")]
    NodeCount {
        /// The largest number.
        max: u8,
    },
    /// A directory would be invisible on the nodes.
    #[error("{} is below {hidden}, which every node replaces by a directory of its own: use another directory", path.display())]
    HiddenDirectory {
        /// The state directory or the checkout.
        path: PathBuf,
        /// The directory that nodes replace.
        hidden: &'static str,
    },
    /// A directory with files that no lab created.
    #[error("{} contains files but no lab: choose another directory with --dir", path.display())]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The lab has no such node.
    #[error("unknown node {name}: this lab has node-1 to node-{nodes}")]
    UnknownNode {
        /// The name.
        name: String,
        /// How many nodes there are.
        nodes: u8,
    },
    /// The lab has no such machine.
    #[error("unknown machine {name}: use client, api, lan, or node-1 to node-{nodes}")]
    UnknownMachine {
        /// The name.
        name: String,
        /// How many nodes there are.
        nodes: u8,
    },
    /// Not a component that can be killed or restarted.
    #[error("unknown component {name}: use controller, api, or speaker-1, speaker-2, …")]
    UnknownComponent {
        /// The name.
        name: String,
    },
    /// The lab has no such log.
    #[error(
        "unknown log {name}: use controller, speaker-N, api, etcd, controller-manager, scheduler, relay, kubelet-N, containerd-N, kube-proxy-N or init-N"
    )]
    UnknownLog {
        /// The name.
        name: String,
    },
    /// Not the name of a further NIC.
    #[error("unknown NIC {name}: use eth1, eth2 or eth3")]
    UnknownNic {
        /// The name.
        name: String,
    },
    /// The NIC is plugged in.
    #[error("{node} already has {nic}")]
    NicExists {
        /// The node's name.
        node: String,
        /// The NIC's name.
        nic: String,
    },
    /// The NIC is not plugged in.
    #[error("{node} has no {nic}: `cargo lab plug {node} {nic}` adds it")]
    NoSuchNic {
        /// The node's name.
        node: String,
        /// The NIC's name.
        nic: String,
    },
    /// The node has no power.
    #[error("{node} is powered off: `cargo lab heal {node}` switches it on")]
    PoweredOff {
        /// The node's name.
        node: String,
    },
    /// No process of the component runs.
    #[error("{component} is not running: `cargo lab restart {component}` starts it")]
    ComponentStopped {
        /// The component's name.
        component: String,
    },
    /// A process exited right after its start.
    #[error("process {pid} exited right after its start: see its log below {}", logs.display())]
    ExitedEarly {
        /// The process.
        pid: i32,
        /// The lab's state directory.
        logs: PathBuf,
    },
    /// The thread that owns a child process ended.
    #[error("the thread that owns the child process ended unexpectedly")]
    ThreadEnded,
    /// A spawn order without a command.
    #[error("the spawn order contains no command")]
    EmptyCommand,
    /// Something else answered than expected.
    #[error("unexpected answer of {origin}: {answer:?}")]
    UnexpectedAnswer {
        /// The program, URL or object.
        origin: String,
        /// The answer.
        answer: String,
    },
    /// An address is answered by a machine that is not a node.
    #[error("{ip} is answered by {mac}, which is not the MAC address of a node")]
    UnknownMac {
        /// The address.
        ip: std::net::Ipv4Addr,
        /// Who answered.
        mac: String,
    },
    /// The lab is too small for the demo.
    #[error(
        "the demo needs FerroLB on at least two nodes: run `cargo lab down` and repeat the command"
    )]
    DemoNeedsNodes,
    /// The demo would replace the user's pools.
    #[error(
        "the ConfigMap ferrolb in namespace ferrolb-system already configures pools, which the demo would replace: delete it, or run the demo in another lab (--dir)"
    )]
    PoolsExist,
    /// A port could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A signal handler could not be installed.
    #[error("cannot handle signal {signal}")]
    SignalHandler {
        /// The signal's number.
        signal: i32,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// SIGINT or SIGTERM arrived.
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    /// The error and its causes on one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        Chain(self).to_string()
    }
}
