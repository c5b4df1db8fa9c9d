//! The four failure modes of a node, and undoing them.

use clap::ValueEnum;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::options::Options;
use crate::{cgroup_records, lan, node, plan};

/// A failure mode of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailureMode {
    /// The cable of `eth0` is unplugged: the node loses its carrier.
    Link,
    /// The power is cut: only the node's disk remains.
    Power,
    /// User space is frozen; the kernel keeps forwarding and answering for its addresses.
    Freeze,
    /// The switch drops every frame from and to the node, which keeps its carrier.
    Partition,
}

/// Makes a node fail.
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

/// Undoes every failure of a node; no effect on a healthy one.
pub(crate) fn heal(dirs: &Dirs, number: u8, options: &Options) -> Result<(), LabError> {
    let port = plan::node_name(number);
    lan::cut(dirs, &port, false)?;
    if !node::is_on(dirs, number) {
        // First removes what is left of a node whose init process has exited.
        node::power_off(dirs, number)?;
        return node::power_on(dirs, number, options);
    }
    let group = cgroup_records::read(dirs, &port)?;
    if group.is_frozen() {
        group.freeze(false)?;
    }
    lan::set_port(dirs, &port, true)
}

/// The state of a node for `status`.
pub(crate) fn state(dirs: &Dirs, number: u8) -> &'static str {
    let port = plan::node_name(number);
    if !node::is_on(dirs, number) {
        return "powered off";
    }
    if cgroup_records::read(dirs, &port).is_ok_and(|group| group.is_frozen()) {
        return "frozen";
    }
    lan::port_state(dirs, &port)
}
