//! The NICs of a node: `eth0` on the LAN, and others on the spare network, which are
//! recorded so that they exist again after a power cut.

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::plan::{self, Network};
use crate::{files, lan};

/// The names of NICs on the spare network.
pub const SPARE_NICS: [&str; 3] = ["eth1", "eth2", "eth3"];

/// Creates `eth0` and the recorded NICs.
pub(super) fn plug_all(dirs: &Dirs, node: u8) -> Result<(), LabError> {
    connect(dirs, node, "eth0")?;
    recorded(dirs, node)?
        .iter()
        .try_for_each(|nic| connect(dirs, node, nic))
}

/// Connects another NIC to the spare network.
pub(crate) fn plug(dirs: &Dirs, node: u8, nic: &str) -> Result<(), LabError> {
    if !SPARE_NICS.contains(&nic) {
        return Err(LabError::UnknownNic {
            name: nic.to_owned(),
        });
    }
    let mut nics = recorded(dirs, node)?;
    if nics.iter().any(|name| name == nic) {
        return Err(LabError::NicExists {
            node: plan::node_name(node),
            nic: nic.to_owned(),
        });
    }
    connect(dirs, node, nic)?;
    nics.push(nic.to_owned());
    files::write_json(&file(dirs, node), &nics)
}

/// Removes a NIC from the spare network.
pub(crate) fn unplug(dirs: &Dirs, node: u8, nic: &str) -> Result<(), LabError> {
    let mut nics = recorded(dirs, node)?;
    if !nics.iter().any(|name| name == nic) {
        return Err(LabError::NoSuchNic {
            node: plan::node_name(node),
            nic: nic.to_owned(),
        });
    }
    lan::unplug(dirs, &port(node, nic))?;
    nics.retain(|name| name != nic);
    files::write_json(&file(dirs, node), &nics)
}

/// The node's ports on the bridges, the LAN's first.
pub(crate) fn ports(dirs: &Dirs, node: u8) -> Result<Vec<String>, LabError> {
    let mut ports = vec![port(node, "eth0")];
    ports.extend(recorded(dirs, node)?.iter().map(|nic| port(node, nic)));
    Ok(ports)
}

/// The port's name: the node's own on the LAN, with the NIC's name on the spare network.
fn port(node: u8, nic: &str) -> String {
    let name = plan::node_name(node);
    if nic == "eth0" {
        name
    } else {
        format!("{name}.{nic}")
    }
}

/// Creates a NIC. Each has a different MAC: on the spare network the host part is shifted
/// in steps of 60, which is more than the largest number of nodes.
fn connect(dirs: &Dirs, node: u8, nic: &str) -> Result<(), LabError> {
    let index = SPARE_NICS.iter().position(|name| *name == nic);
    let (network, shift) = match index {
        None => (Network::Lan, 0),
        Some(0) => (Network::Spare, 0),
        Some(1) => (Network::Spare, 60),
        Some(_) => (Network::Spare, 120),
    };
    let nic = lan::Nic {
        netns: &dirs.node_name(node),
        name: nic,
        port: &port(node, nic),
        network,
        host: plan::node_host(node) + shift,
    };
    lan::plug(dirs, &nic)
}

fn recorded(dirs: &Dirs, node: u8) -> Result<Vec<String>, LabError> {
    let file = file(dirs, node);
    if file.exists() {
        files::read_json(&file)
    } else {
        Ok(Vec::new())
    }
}

fn file(dirs: &Dirs, node: u8) -> std::path::PathBuf {
    dirs.node(node).join("nics.json")
}
