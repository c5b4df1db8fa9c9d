//! Breaking a node in the four ways in which nodes break, and making it whole again.

use clap::ValueEnum;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::options::Options;
use crate::{cgroup_records, lan, node, plan};

/// How a node fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailureMode {
    /// The plug of `eth0` is pulled: the node sees that its carrier is gone.
    Link,
    /// The power is cut: nothing of the node is left but its disk.
    Power,
    /// User space stands still; the kernel goes on forwarding and answering for itself.
    Freeze,
    /// The switch drops every frame from and to the node, whose carrier stays.
    Partition,
}

/// Breaks a node.
pub(crate) fn fail(dirs: &Dirs, number: u8, how: FailureMode) -> Result<(), LabError> {
    let port = plan::node_name(number);
    if !node::is_on(dirs, number) {
        return Err(LabError::PoweredOff { node: port });
    }
    match how {
        FailureMode::Link => lan::set_port(dirs, &port, false),
        FailureMode::Power => node::power_off(dirs, number),
        FailureMode::Freeze => cgroup_records::read(dirs, &port)?.freeze(true),
        FailureMode::Partition => lan::cut(dirs, &port, true),
    }
}

/// Makes a node whole, whatever was done to it. Harmless on a whole one.
pub(crate) fn heal(dirs: &Dirs, number: u8, options: &Options) -> Result<(), LabError> {
    let port = plan::node_name(number);
    lan::cut(dirs, &port, false)?;
    if !node::is_on(dirs, number) {
        // Whatever is left of a node that lost its first process is swept away first.
        node::power_off(dirs, number)?;
        return node::power_on(dirs, number, options);
    }
    let group = cgroup_records::read(dirs, &port)?;
    if group.is_frozen() {
        group.freeze(false)?;
    }
    lan::set_port(dirs, &port, true)
}

/// What `status` says of a node.
pub(crate) fn state(dirs: &Dirs, number: u8) -> &'static str {
    let port = plan::node_name(number);
    if !node::is_on(dirs, number) {
        return "no power";
    }
    if cgroup_records::read(dirs, &port).is_ok_and(|group| group.is_frozen()) {
        return "frozen";
    }
    lan::port_state(dirs, &port)
}
