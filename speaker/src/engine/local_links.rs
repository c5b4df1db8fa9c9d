//! The links of this node that may carry announcements. Pure.

use crate::host::interfaces::{Link, Links, Patterns, flapped, suitable};
use crate::layer2::links::LanLink;

/// The suitable links, as the kernel last reported them.
pub(super) struct LocalLinks {
    exclude: Patterns,
    suitable: Vec<Link>,
}

impl LocalLinks {
    /// None are known yet; those that `exclude` names never count.
    pub(super) const fn new(exclude: Patterns) -> Self {
        Self {
            exclude,
            suitable: Vec::new(),
        }
    }

    /// Takes all links of the node. True if the carrier of one of the suitable
    /// ones was lost and came back in between.
    pub(super) fn update(&mut self, links: &Links) -> bool {
        let suitable = links
            .values()
            .filter(|link| suitable(link, &self.exclude).is_ok())
            .cloned()
            .collect();
        let before = std::mem::replace(&mut self.suitable, suitable);
        flapped(&before, &self.suitable)
    }

    /// The suitable links, to open sockets on.
    pub(super) fn suitable(&self) -> &[Link] {
        &self.suitable
    }

    /// The same links, to announce on.
    pub(super) fn lan_links(&self) -> Vec<LanLink> {
        self.suitable.iter().map(lan_link).collect()
    }
}

fn lan_link(link: &Link) -> LanLink {
    LanLink {
        index: link.index,
        name: link.name.clone(),
        mac: link.mac,
        subnets: link.addresses.clone(),
    }
}
