//! The networks: bridges in the LAN's namespace, and a bridge port for each NIC. Runs
//! `ip` and `nft`.

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::plan::{self, Network};
use crate::{netns, run};

/// The LAN's namespace.
const LAN: &str = "lan";

/// A NIC to create.
#[derive(Debug, Clone)]
pub(crate) struct Nic<'a> {
    /// The namespace it belongs to.
    pub(crate) netns: &'a str,
    /// Its name there.
    pub(crate) name: &'a str,
    /// The name of its port on the bridge.
    pub(crate) port: &'a str,
    /// Which bridge.
    pub(crate) network: Network,
    /// The last part of its addresses.
    pub(crate) host: u8,
}

/// The LAN namespace's full name.
pub(crate) fn namespace(dirs: &Dirs) -> String {
    dirs.name(LAN)
}

/// nftables rules in the LAN's namespace that drop all frames of the ports in a set.
const PARTITION_RULES: &str = "table bridge lab {
    set cut { type ifname; }
    chain from { type filter hook prerouting priority 0; iifname @cut drop; }
    chain to { type filter hook postrouting priority 0; oifname @cut drop; }
}
";

/// Creates both bridges. Snooping is off, so that neighbour solicitations reach all ports,
/// as on a plain switch.
pub(crate) fn create(dirs: &Dirs) -> Result<(), LabError> {
    let lan = namespace(dirs);
    netns::create(&lan)?;
    let mut lines = String::new();
    for network in [Network::Lan, Network::Spare] {
        let bridge = network.bridge();
        lines += &format!(
            "link add {bridge} type bridge mcast_snooping 0\nlink set {bridge} up\n\
             addr add {}/24 dev {bridge}\naddr add {}/64 dev {bridge} nodad\n",
            network.v4(plan::GATEWAY),
            network.v6(plan::GATEWAY),
        );
    }
    batch(&lan, &lines)?;
    run::with_input(&mut netns::exec(&lan, ["nft", "-f", "-"]), PARTITION_RULES)?;
    Ok(())
}

/// Runs lines of `ip` commands in a namespace.
pub(crate) fn batch(netns: &str, lines: &str) -> Result<(), LabError> {
    let mut command = run::words("ip -n");
    command.args([netns, "-batch", "-"]);
    run::with_input(&mut command, lines)?;
    Ok(())
}

/// Creates a NIC and connects it to its network.
pub(crate) fn plug(dirs: &Dirs, nic: &Nic<'_>) -> Result<(), LabError> {
    let Nic {
        netns,
        name,
        port,
        network,
        host,
    } = nic;
    let index = network.index(*host);
    batch(
        &namespace(dirs),
        &format!(
            "link add {port} index {index} type veth \
             peer name {name} index {index} address {} netns {netns}\n\
             link set {port} master {} up\n",
            network.mac(*host),
            network.bridge(),
        ),
    )?;
    batch(
        netns,
        &format!(
            "link set {name} up\naddr add {}/24 dev {name}\naddr add {}/64 dev {name} nodad\n",
            network.v4(*host),
            network.v6(*host),
        ),
    )
}

/// Creates a machine on the LAN that is not a node: a namespace with one NIC, `eth0`. Its
/// port has the machine's name.
pub(crate) fn machine(dirs: &Dirs, name: &str, host: u8) -> Result<String, LabError> {
    let netns = dirs.name(name);
    netns::create(&netns)?;
    let nic = Nic {
        netns: &netns,
        name: "eth0",
        port: name,
        network: Network::Lan,
        host,
    };
    plug(dirs, &nic)?;
    Ok(netns)
}

/// Removes a NIC and its port.
pub(crate) fn unplug(dirs: &Dirs, port: &str) -> Result<(), LabError> {
    batch(&namespace(dirs), &format!("link del {port}\n"))
}

/// Whether the port exists.
pub(crate) fn has_port(dirs: &Dirs, port: &str) -> bool {
    run::line(&format!("ip -n {} link show {port}", namespace(dirs))).is_ok()
}

/// Sets the administrative state of a port; down means that the NIC at the other end
/// loses its carrier.
pub(crate) fn set_port(dirs: &Dirs, port: &str, up: bool) -> Result<(), LabError> {
    let state = if up { "up" } else { "down" };
    batch(&namespace(dirs), &format!("link set {port} {state}\n"))
}

/// Whether the bridge drops every frame of the port.
pub(crate) fn is_cut(dirs: &Dirs, port: &str) -> bool {
    let list = ["nft", "list", "set", "bridge", "lab", "cut"];
    run::output(&mut netns::exec(&namespace(dirs), list))
        .is_ok_and(|text| text.contains(&format!("\"{port}\"")))
}

/// Makes the bridge drop every frame from and to the port, whose NIC keeps its carrier;
/// or pass them again. The state of the bridge port is not suitable: the kernel resets it
/// when the carrier changes.
pub(crate) fn cut(dirs: &Dirs, port: &str, cut: bool) -> Result<(), LabError> {
    if is_cut(dirs, port) == cut {
        return Ok(());
    }
    let verb = if cut { "add" } else { "delete" };
    let element = format!("{{ \"{port}\" }}");
    let argv = ["nft", verb, "element", "bridge", "lab", "cut", &element];
    run::output(&mut netns::exec(&namespace(dirs), argv))?;
    Ok(())
}

/// The state of a port for `status`.
pub(crate) fn port_state(dirs: &Dirs, port: &str) -> &'static str {
    let shown = run::line(&format!("ip -n {} -o link show {port}", namespace(dirs)));
    match shown {
        Err(_) => "no link",
        Ok(text) if !text.contains("LOWER_UP") => "link down",
        Ok(_) if is_cut(dirs, port) => "partitioned",
        Ok(_) => "connected",
    }
}
