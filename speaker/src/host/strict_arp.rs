//! Whether the kernel's ARP settings suit kube-proxy. Pure.
//!
//! In IPVS mode kube-proxy puts every external IP on the interface `kube-ipvs0` of
//! every node. Without strict ARP each of these kernels answers ARP for them, and
//! every node is an owner.

use std::fmt;

use ferrolb_runtime::kube::events::{EventNote, reference};

use crate::host::interfaces::Links;

/// The interface that kube-proxy creates in IPVS mode.
const IPVS_LINK: &str = "kube-ipvs0";

/// ARP settings of the kernel in `net.ipv4.conf.all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArpSettings {
    /// `arp_ignore`: from 1 on, only addresses of the receiving interface are answered for.
    pub ignore: u8,
    /// `arp_announce`: at 2, requests carry an address of the sending interface.
    pub announce: u8,
}

/// This node's kernel answers for IPs that other nodes own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loose(pub ArpSettings);

/// Whether kube-proxy runs in IPVS mode.
#[must_use]
pub fn uses_ipvs(links: &Links) -> bool {
    links.values().any(|link| link.name == IPVS_LINK)
}

/// Checks the settings of a node that uses IPVS.
#[must_use]
pub fn judge(settings: ArpSettings) -> Option<Loose> {
    // What kube-proxy sets with strictARP.
    let strict = settings.ignore >= 1 && settings.announce >= 2;
    (!strict).then_some(Loose(settings))
}

impl fmt::Display for Loose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ArpSettings { ignore, announce }) = self;
        write!(
            out,
            "kube-proxy runs in IPVS mode without strict ARP (arp_ignore is {ignore}, arp_announce \
             is {announce}), so this node's kernel answers ARP for every external IP; set \
             ipvs.strictARP: true in kube-proxy's configuration (--ipvs-strict-arp) and restart it"
        )
    }
}

/// The Event about it, on the Node.
#[must_use]
pub fn news(node: &str, loose: Loose) -> EventNote {
    EventNote {
        // The kubelet names its Node by the name in place of the uid.
        regarding: reference("v1", "Node", None, node, node),
        warning: true,
        reason: "StrictARPDisabled",
        action: "Announce",
        note: loose.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ArpSettings, judge, news, uses_ipvs};
    use crate::host::interfaces::{Link, Links};
    use ferrolb_core::mac::Mac;

    fn link(name: &str) -> Link {
        Link {
            index: 9,
            name: name.to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 9]),
            up: false,
            carrier: false,
            carrier_changes: 0,
            loopback: false,
            noarp: true,
            master: None,
            addresses: Vec::new(),
        }
    }

    #[test]
    fn ipvs_is_detected_by_its_interface_even_if_that_is_down() {
        assert!(uses_ipvs(&Links::from([(9, link("kube-ipvs0"))])));
        assert!(!uses_ipvs(&Links::from([(9, link("eth0"))])));
    }

    #[test]
    fn both_settings_must_be_those_of_strict_arp() {
        let loose = |ignore, announce| judge(ArpSettings { ignore, announce }).is_some();
        assert!(!loose(1, 2) && !loose(2, 2));
        assert!(loose(0, 0) && loose(1, 0) && loose(0, 2) && loose(1, 1));
    }

    #[test]
    fn the_event_names_the_setting_to_change() {
        let settings = ArpSettings {
            ignore: 0,
            announce: 2,
        };
        let news = news("node-1", judge(settings).unwrap());
        assert!(news.warning && news.note.contains("strictARP: true"));
        assert!(news.note.contains("arp_ignore is 0"));
        assert_eq!(news.regarding.name.as_deref(), Some("node-1"));
    }
}
