//! The address plan of the lab, as documented in the README: machines on the LAN and the
//! spare network, pods and Services. Pure.

/// Last part of the address of the LAN's bridge.
pub const GATEWAY: u8 = 1;
/// Last part of the control plane's address.
pub const API: u8 = 10;
/// Last part of the client's address.
pub const CLIENT: u8 = 200;
/// The largest number of nodes; their addresses are below the client's and the pool's.
pub const MAX_NODES: u8 = 50;
/// Cluster addresses of Services, IPv4.
pub const SERVICES_V4: &str = "10.96.0.0/16";
/// Cluster addresses of Services, IPv6.
pub const SERVICES_V6: &str = "fd96::/108";
/// The API server's cluster address, the first of the range.
pub const API_SERVICE: &str = "10.96.0.1";
/// All pods, IPv4.
pub const PODS_V4: &str = "10.78.0.0/16";
/// All pods, IPv6.
pub const PODS_V6: &str = "fd78::/16";
/// The API server's port.
pub const API_PORT: u16 = 6443;

/// One of the lab's two networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The LAN, which connects all machines.
    Lan,
    /// The second network, unused until a NIC is connected with `plug`.
    Spare,
}

impl Network {
    /// The name of its bridge in the LAN's namespace.
    #[must_use]
    pub fn bridge(self) -> &'static str {
        match self {
            Self::Lan => "br0",
            Self::Spare => "br1",
        }
    }

    /// An IPv4 address without prefix length (/24).
    #[must_use]
    pub fn v4(self, host: u8) -> String {
        match self {
            Self::Lan => format!("10.77.0.{host}"),
            Self::Spare => format!("10.79.0.{host}"),
        }
    }

    /// An IPv6 address without prefix length (/64); its last group has the same digits as
    /// the last part of the IPv4 address.
    #[must_use]
    pub fn v6(self, host: u8) -> String {
        match self {
            Self::Lan => format!("fd77::{host}"),
            Self::Spare => format!("fd79::{host}"),
        }
    }

    /// The MAC of a NIC; fixed, since a real NIC keeps its MAC over a reboot.
    #[must_use]
    pub fn mac(self, host: u8) -> String {
        let net = match self {
            Self::Lan => 0x77,
            Self::Spare => 0x79,
        };
        format!("02:fe:00:{net:02x}:00:{host:02x}")
    }

    /// The kernel's index of a NIC and of its port. If both are equal, the kernel reports
    /// carrier changes as for a real NIC: immediately, but limited to one per second.
    /// Otherwise there is no such limit.
    #[must_use]
    pub fn index(self, host: u8) -> u32 {
        let base = match self {
            Self::Lan => 7_700,
            Self::Spare => 7_900,
        };
        base + u32::from(host)
    }
}

/// Last part of a node's address.
#[must_use]
pub fn node_host(node: u8) -> u8 {
    API + node
}

/// A node's name in Kubernetes, counted from 1.
#[must_use]
pub fn node_name(node: u8) -> String {
    format!("node-{node}")
}

/// The pods of a node, IPv4 (/24).
#[must_use]
pub fn pods_v4(node: u8) -> String {
    format!("10.78.{node}.0/24")
}

/// The pods of a node, IPv6 (/64).
#[must_use]
pub fn pods_v6(node: u8) -> String {
    format!("fd78:{node}::/64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stay_clear_of_the_client_and_the_pool() {
        assert!(node_host(MAX_NODES) < CLIENT);
        const { assert!(CLIENT < 240) };
    }

    #[test]
    fn no_two_nics_share_a_mac() {
        assert_ne!(Network::Lan.mac(11), Network::Spare.mac(11));
        assert_ne!(Network::Lan.mac(11), Network::Lan.mac(12));
        assert_eq!(Network::Lan.mac(200), "02:fe:00:77:00:c8");
    }
}
