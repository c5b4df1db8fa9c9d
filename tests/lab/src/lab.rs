//! The handle of a lab: what the program `lab` and the suites can do with one. Each
//! function names the part that does the work.

use std::path::Path;
use std::process::Command;

pub use crate::components::Component;
use crate::dirs::Dirs;
use crate::error::LabError;
pub use crate::faults::FailureMode;
pub use crate::options::{Options, ProxyMode, Timing};
use crate::progress::Progress;
use crate::{
    components, control_plane, down, env_file, faults, ferrolb, files, lan, netns, node, plan, run,
    up,
};

/// One lab, up or not.
#[derive(Debug, Clone)]
pub struct Lab {
    dirs: Dirs,
}

impl Lab {
    /// The lab whose state is, or will be, in `dir`. Does not look whether it is up.
    pub fn open(dir: &Path) -> Result<Self, LabError> {
        Ok(Self {
            dirs: Dirs::at(dir),
        })
    }

    /// Brings the lab up. A lab that is up as asked stays as it is; one that came up
    /// halfway is removed first. An interrupt takes it down again.
    pub fn up(&self, options: &Options, progress: &dyn Progress) -> Result<(), LabError> {
        up::run(&self.dirs, options, progress)
    }

    /// Removes everything the lab made, however far it came.
    pub fn down(&self, progress: &dyn Progress) -> Result<(), LabError> {
        down::run(&self.dirs, progress)
    }

    /// Whether `up` came to its end and `down` was not called since.
    #[must_use]
    pub fn is_up(&self) -> bool {
        up::is_complete(&self.dirs)
    }

    /// Builds FerroLB and the sample workload again, imports them into every node and
    /// rolls them out.
    pub fn reload(&self, progress: &dyn Progress) -> Result<(), LabError> {
        ferrolb::reload(&self.dirs, &self.options()?, progress)
    }

    /// What the lab was asked to be.
    pub fn options(&self) -> Result<Options, LabError> {
        up::options(&self.dirs)
    }

    /// The number of nodes; 0 if the lab is down.
    #[must_use]
    pub fn nodes(&self) -> u8 {
        self.options().map_or(0, |options| options.nodes)
    }

    /// The state directory.
    #[must_use]
    pub fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// The variables of the env file, in its order.
    pub fn env(&self) -> Result<Vec<(String, String)>, LabError> {
        Ok(env_file::variables(&self.dirs, self.options()?.nodes))
    }

    /// Runs kubectl as the administrator and gives its stdout.
    pub fn kubectl<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        run::output(self.kubectl_command().args(args))
    }

    /// kubectl as the administrator, to be run in another way.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        control_plane::kubectl(&self.dirs)
    }

    /// Runs a command on the client and gives its stdout.
    pub fn client<S: AsRef<std::ffi::OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        run::output(&mut netns::exec(&self.client_namespace(), argv))
    }

    /// A node, counted from 1.
    #[must_use]
    pub fn node(&self, node: u8) -> Node<'_> {
        Node {
            dirs: &self.dirs,
            node,
        }
    }

    /// A command at a place: `client`, `api`, `lan`, or a node's name.
    pub fn command_at<S: AsRef<std::ffi::OsStr>>(
        &self,
        place: &str,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<Command, LabError> {
        match self.node_number(place) {
            Some(node) => self.node(node).command(argv),
            None => Ok(netns::exec(&self.namespace_of(place)?, argv)),
        }
    }

    /// The namespace of a place: `client`, `api`, `lan`, or a node's name.
    pub fn namespace_of(&self, place: &str) -> Result<String, LabError> {
        self.options()?;
        if ["client", "api", "lan"].contains(&place) || self.node_number(place).is_some() {
            return Ok(self.dirs.name(place));
        }
        Err(LabError::UnknownMachine {
            name: place.to_owned(),
            nodes: self.nodes(),
        })
    }

    /// A node's number from its name, if it is one of this lab's.
    #[must_use]
    pub fn node_number(&self, name: &str) -> Option<u8> {
        (1..=self.nodes()).find(|node| plan::node_name(*node) == name)
    }

    /// The client's namespace.
    #[must_use]
    pub fn client_namespace(&self) -> String {
        self.dirs.name("client")
    }

    /// The control plane's namespace.
    #[must_use]
    pub fn api_namespace(&self) -> String {
        self.dirs.name(control_plane::API)
    }

    /// The namespace of the bridges.
    #[must_use]
    pub fn lan_namespace(&self) -> String {
        lan::namespace(&self.dirs)
    }

    /// A node's namespace.
    #[must_use]
    pub fn node_namespace(&self, node: u8) -> String {
        self.dirs.node_name(node)
    }

    /// The name of a node's port on the LAN's bridge.
    #[must_use]
    pub fn node_port(&self, node: u8) -> String {
        plan::node_name(node)
    }

    /// Breaks a node.
    pub fn fail(&self, node: u8, how: FailureMode) -> Result<(), LabError> {
        faults::fail(&self.dirs, node, how)
    }

    /// Undoes everything that [`Lab::fail`] did to a node.
    pub fn heal(&self, node: u8) -> Result<(), LabError> {
        faults::heal(&self.dirs, node, &self.options()?)
    }

    /// Plugs a further NIC of a node into the spare network.
    pub fn plug(&self, node: u8, nic: &str) -> Result<(), LabError> {
        node::plug(&self.dirs, node, nic)
    }

    /// Takes such a NIC away again.
    pub fn unplug(&self, node: u8, nic: &str) -> Result<(), LabError> {
        node::unplug(&self.dirs, node, nic)
    }

    /// Puts a further machine on the LAN that is no node, with the last part of its
    /// address, and gives its namespace; `down` removes it.
    pub fn add_machine(&self, name: &str, host: u8) -> Result<String, LabError> {
        lan::machine(&self.dirs, name, host)
    }

    /// SIGKILL to `controller` (every replica), `speaker-2`, or `api`, which stays down
    /// until [`Lab::restart`].
    pub fn kill(&self, target: &str) -> Result<(), LabError> {
        components::signal(
            &self.dirs,
            self.nodes(),
            target.parse()?,
            nix::sys::signal::Signal::SIGKILL,
        )
    }

    /// Any signal to the processes of a target, e.g. SIGSTOP for a stall.
    pub fn signal(&self, target: &str, signal: nix::sys::signal::Signal) -> Result<(), LabError> {
        components::signal(&self.dirs, self.nodes(), target.parse()?, signal)
    }

    /// Starts a target again in good order (`api`: after a SIGKILL) and waits until it
    /// is ready.
    pub fn restart(&self, target: &str) -> Result<(), LabError> {
        components::restart(&self.dirs, target.parse()?)
    }

    /// The text of a log; see `logs.rs` for the names.
    pub fn logs(&self, name: &str) -> Result<String, LabError> {
        crate::logs::read(&self.dirs, self.nodes(), name)
    }

    /// Whether a state file exists at all.
    #[must_use]
    pub fn exists(&self) -> bool {
        files::read_if_there(&self.dirs.file("lab.json")).is_ok_and(|text| text.is_some())
    }
}

/// A node of a lab.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    dirs: &'a Dirs,
    node: u8,
}

impl Node<'_> {
    /// Runs a command on the node and gives its stdout.
    pub fn exec<S: AsRef<std::ffi::OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        run::output(&mut self.command(argv)?)
    }

    /// A command that will run on the node, in all of its namespaces.
    pub fn command<S: AsRef<std::ffi::OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<Command, LabError> {
        node::exec(self.dirs, self.node, argv)
    }

    /// Whether the node has power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        node::is_on(self.dirs, self.node)
    }
}
