//! The handle of a lab, used by the program `lab` and the suites. Each method delegates
//! to the module that does the work.

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
    /// The lab with the state directory `dir`, whether it is up or not.
    pub fn open(dir: &Path) -> Result<Self, LabError> {
        Ok(Self {
            dirs: Dirs::at(dir),
        })
    }

    /// Starts the lab. A lab that is up with these options is left unchanged; an
    /// incomplete one is removed first. An interrupt removes it again.
    pub fn up(&self, options: &Options, progress: &dyn Progress) -> Result<(), LabError> {
        up::run(&self.dirs, options, progress)
    }

    /// Removes everything the lab created, even if it is incomplete.
    pub fn down(&self, progress: &dyn Progress) -> Result<(), LabError> {
        down::run(&self.dirs, progress)
    }

    /// Whether `up` completed and `down` has not been called since.
    #[must_use]
    pub fn is_up(&self) -> bool {
        up::is_complete(&self.dirs)
    }

    /// Rebuilds FerroLB and the sample workload, imports the images into every node and
    /// rolls them out.
    pub fn reload(&self, progress: &dyn Progress) -> Result<(), LabError> {
        ferrolb::reload(&self.dirs, &self.options()?, progress)
    }

    /// The options with which the lab was started.
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

    /// The variables of the env file, in order.
    pub fn env(&self) -> Result<Vec<(String, String)>, LabError> {
        Ok(env_file::variables(&self.dirs, self.options()?.nodes))
    }

    /// Runs kubectl as administrator and returns its stdout.
    pub fn kubectl<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        run::output(self.kubectl_command().args(args))
    }

    /// kubectl as administrator, as a command.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        control_plane::kubectl(&self.dirs)
    }

    /// Runs a command on the client and returns its stdout.
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

    /// A command on a machine: `client`, `api`, `lan`, or a node's name.
    pub fn command_at<S: AsRef<std::ffi::OsStr>>(
        &self,
        machine: &str,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<Command, LabError> {
        match self.node_number(machine) {
            Some(node) => self.node(node).command(argv),
            None => Ok(netns::exec(&self.namespace_of(machine)?, argv)),
        }
    }

    /// The network namespace of a machine: `client`, `api`, `lan`, or a node's name.
    pub fn namespace_of(&self, machine: &str) -> Result<String, LabError> {
        self.options()?;
        if ["client", "api", "lan"].contains(&machine) || self.node_number(machine).is_some() {
            return Ok(self.dirs.name(machine));
        }
        Err(LabError::UnknownMachine {
            name: machine.to_owned(),
            nodes: self.nodes(),
        })
    }

    /// The number of a node of this lab, from its name.
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

    /// Makes a node fail.
    pub fn fail(&self, node: u8, how: FailureMode) -> Result<(), LabError> {
        faults::fail(&self.dirs, node, how)
    }

    /// Undoes every [`Lab::fail`] of a node.
    pub fn heal(&self, node: u8) -> Result<(), LabError> {
        faults::heal(&self.dirs, node, &self.options()?)
    }

    /// Connects another NIC of a node to the spare network.
    pub fn plug(&self, node: u8, nic: &str) -> Result<(), LabError> {
        node::plug(&self.dirs, node, nic)
    }

    /// Removes a NIC added by [`Lab::plug`].
    pub fn unplug(&self, node: u8, nic: &str) -> Result<(), LabError> {
        node::unplug(&self.dirs, node, nic)
    }

    /// Adds a machine that is not a node to the LAN, given the last part of its address,
    /// and returns its namespace. `down` removes it.
    pub fn add_machine(&self, name: &str, host: u8) -> Result<String, LabError> {
        lan::machine(&self.dirs, name, host)
    }

    /// Sends SIGKILL to `controller` (every replica), `speaker-2`, or `api`, which stays
    /// down until [`Lab::restart`].
    pub fn kill(&self, component: &str) -> Result<(), LabError> {
        components::signal(
            &self.dirs,
            self.nodes(),
            component.parse()?,
            nix::sys::signal::Signal::SIGKILL,
        )
    }

    /// Sends a signal to the processes of a component, e.g. SIGSTOP for a stall.
    pub fn signal(
        &self,
        component: &str,
        signal: nix::sys::signal::Signal,
    ) -> Result<(), LabError> {
        components::signal(&self.dirs, self.nodes(), component.parse()?, signal)
    }

    /// Restarts a component gracefully (`api`: after a SIGKILL) and waits until it is
    /// ready.
    pub fn restart(&self, component: &str) -> Result<(), LabError> {
        components::restart(&self.dirs, component.parse()?)
    }

    /// The text of a log; the names are in `logs.rs`.
    pub fn logs(&self, name: &str) -> Result<String, LabError> {
        crate::logs::read(&self.dirs, self.nodes(), name)
    }

    /// Whether the state directory contains a lab, complete or not.
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
    /// Runs a command on the node and returns its stdout.
    pub fn exec<S: AsRef<std::ffi::OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        run::output(&mut self.command(argv)?)
    }

    /// A command that runs on the node, in all of its namespaces.
    pub fn command<S: AsRef<std::ffi::OsStr>>(
        &self,
        argv: impl IntoIterator<Item = S>,
    ) -> Result<Command, LabError> {
        node::exec(self.dirs, self.node, argv)
    }

    /// Whether the node is powered on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        node::is_on(self.dirs, self.node)
    }
}
