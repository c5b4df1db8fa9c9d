//! Network links, and which of them may carry announcements. Pure; `links` reads
//! them.

use std::collections::BTreeMap;

use ipnet::IpNet;
use thiserror::Error;

use ferrolb_core::mac::Mac;

/// Every link of this node by its kernel index.
pub type Links = BTreeMap<u32, Link>;

/// One network link as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kernel's index; not reused while the link exists.
    pub index: u32,
    /// Interface name; may change.
    pub name: String,
    /// Hardware address; zero if the link is not Ethernet.
    pub mac: Mac,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// The lower layer is up (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// How often the carrier has come or gone (`IFLA_CARRIER_CHANGES`).
    pub carrier_changes: u32,
    /// `IFF_LOOPBACK`.
    pub loopback: bool,
    /// `IFF_NOARP`: tunnels and the like.
    pub noarp: bool,
    /// Index of the bridge or bond that this link is a port of. A VRF does not
    /// count: its members keep their own addresses.
    pub master: Option<u32>,
    /// IPv4 and IPv6 addresses with their prefix lengths, sorted.
    pub addresses: Vec<IpNet>,
}

/// Why a link does not carry announcements.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unsuitable {
    /// The name matches an exclusion.
    #[error("excluded by the pattern {0:?}")]
    Excluded(String),
    /// Reaches this node only.
    #[error("it is a loopback interface")]
    Loopback,
    /// Neighbours do not use ARP on it.
    #[error("it does not use ARP")]
    NoArp,
    /// No Ethernet address.
    #[error("it has no Ethernet address")]
    NotEthernet,
    /// Frames for it arrive at its master.
    #[error("it is a port of link {0}")]
    Port(u32),
    /// Administratively down.
    #[error("it is down")]
    Down,
    /// The cable is not connected, or the other end is down.
    #[error("it has no carrier")]
    NoCarrier,
}

/// Patterns for names of links: `docker*` matches a prefix, a pattern without `*`
/// at its end one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

/// Devices that container runtimes, network plugins and kube-proxy create.
const DEFAULT_EXCLUSIONS: [&str; 33] = [
    "antrea-*",
    "bpfin.cali",
    "bpfout.cali",
    "br-int",
    "cali*",
    "cbr*",
    "cilium_*",
    "cni*",
    "docker*",
    "dummy*",
    "flannel*",
    "genev_sys_*",
    "ifb*",
    "kube-bridge",
    "kube-dummy-if",
    "kube-ipvs*",
    "lo",
    "lxc*",
    "lxdbr*",
    "nerdctl*",
    "nodelocaldns*",
    "ovn-*",
    "ovn0",
    "ovs-netdev",
    "ovs-system",
    "podman*",
    "tunl*",
    "veth*",
    "virbr*",
    "vxlan-v6.calico",
    "vxlan.calico",
    "vxlan_sys_*",
    "weave*",
];

impl Default for Patterns {
    fn default() -> Self {
        Self::new(DEFAULT_EXCLUSIONS.map(String::from))
    }
}

impl Patterns {
    /// Exclusions as an administrator writes them.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        Self(patterns.into_iter().collect())
    }

    /// The default exclusions and `more`.
    #[must_use]
    pub fn with_defaults(more: &[String]) -> Self {
        let mut patterns = Self::default();
        patterns.0.extend_from_slice(more);
        patterns
    }

    /// The first pattern that `name` matches.
    #[must_use]
    pub fn matching(&self, name: &str) -> Option<&str> {
        let matches = |pattern: &&String| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern.as_str(),
        };
        self.0.iter().find(matches).map(String::as_str)
    }
}

/// Whether `link` may carry announcements now.
///
/// # Errors
/// The first reason against it, permanent ones first, so that a tunnel that is
/// down is reported as a tunnel.
pub fn suitable(link: &Link, exclude: &Patterns) -> Result<(), Unsuitable> {
    if let Some(pattern) = exclude.matching(&link.name) {
        return Err(Unsuitable::Excluded(pattern.to_owned()));
    }
    match link {
        Link { loopback: true, .. } => Err(Unsuitable::Loopback),
        Link { noarp: true, .. } => Err(Unsuitable::NoArp),
        Link { mac, .. } if !mac.is_unicast() => Err(Unsuitable::NotEthernet),
        Link {
            master: Some(master),
            ..
        } => Err(Unsuitable::Port(*master)),
        Link { up: false, .. } => Err(Unsuitable::Down),
        Link { carrier: false, .. } => Err(Unsuitable::NoCarrier),
        Link { .. } => Ok(()),
    }
}

/// Whether a link with carrier, both now and before, lost it in between: other
/// nodes may have taken over and given back meanwhile.
#[must_use]
pub fn flapped(before: &[Link], now: &[Link]) -> bool {
    let known = |link: &Link| before.iter().find(|it| it.index == link.index).cloned();
    let pairs = now.iter().filter_map(|link| Some((known(link)?, link)));
    let mut steady = pairs.filter(|(before, now)| before.carrier && now.carrier);
    steady.any(|(before, now)| before.carrier_changes != now.carrier_changes)
}

#[cfg(test)]
mod tests {
    use super::{Link, Mac, Patterns, Unsuitable, flapped, suitable};

    fn lan_nic() -> Link {
        Link {
            index: 2,
            name: "eth0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            up: true,
            carrier: true,
            carrier_changes: 1,
            loopback: false,
            noarp: false,
            master: None,
            addresses: Vec::new(),
        }
    }

    #[test]
    fn a_nic_with_carrier_is_suitable_even_without_an_address() {
        assert_eq!(suitable(&lan_nic(), &Patterns::default()), Ok(()));
    }

    #[test]
    fn an_unseen_loss_of_carrier_shows_in_the_count() {
        let changed = |changes| Link {
            carrier_changes: changes,
            ..lan_nic()
        };
        assert!(flapped(&[changed(1)], &[changed(3)]));
        assert!(!flapped(&[changed(1)], &[changed(1)]));
        assert!(!flapped(&[], &[changed(3)]));
        let down = Link {
            carrier: false,
            ..changed(2)
        };
        let [up, again] = [1, 3].map(changed).map(|link| [link]);
        assert!(!flapped(std::slice::from_ref(&down), &again));
        assert!(!flapped(&up, &[down]));
    }

    #[test]
    fn each_defect_has_its_reason() {
        type Spoil = fn(&mut Link);
        let defects: [(Spoil, Unsuitable); 6] = [
            (|l| l.loopback = true, Unsuitable::Loopback),
            (|l| l.noarp = true, Unsuitable::NoArp),
            (|l| l.mac = Mac::ZERO, Unsuitable::NotEthernet),
            (|l| l.master = Some(9), Unsuitable::Port(9)),
            (|l| l.up = false, Unsuitable::Down),
            (|l| l.carrier = false, Unsuitable::NoCarrier),
        ];
        for (spoil, reason) in defects {
            let mut link = lan_nic();
            spoil(&mut link);
            assert_eq!(suitable(&link, &Patterns::default()), Err(reason));
        }
    }

    #[test]
    fn excludes_devices_of_network_plugins() {
        let names = [
            "cali12345",
            "cni0",
            "docker0",
            "flannel.1",
            "kube-ipvs0",
            "lxc1a2b",
            "nodelocaldns",
            "tunl0",
            "veth9f8e",
            "virbr0",
            "vxlan.calico",
            "cilium_host",
            "ovn-k8s-mp0",
            "ovs-system",
            "ovs-netdev",
            "br-int",
            "bpfin.cali",
            "kube-bridge",
            "kube-dummy-if",
            "weave",
            "dummy0",
            "cbr0",
            "lxcbr0",
        ];
        for name in names {
            let link = Link {
                name: name.to_owned(),
                ..lan_nic()
            };
            let result = suitable(&link, &Patterns::default());
            assert!(
                matches!(result, Err(Unsuitable::Excluded(_))),
                "{name}: {result:?}"
            );
        }
    }

    #[test]
    fn accepts_common_names_of_nics_and_bridges() {
        for name in [
            "eno1", "enp3s0f1", "bond0", "br0", "br-ex", "eth0.5", "vlan10", "local0",
        ] {
            let link = Link {
                name: name.to_owned(),
                ..lan_nic()
            };
            assert_eq!(suitable(&link, &Patterns::default()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_pattern_without_star_matches_exactly() {
        let patterns = Patterns::new(["eth1".to_owned(), "wan*".to_owned()]);
        assert_eq!(patterns.matching("eth1"), Some("eth1"));
        assert_eq!(patterns.matching("eth10"), None);
        assert_eq!(patterns.matching("wan0"), Some("wan*"));
    }
}
