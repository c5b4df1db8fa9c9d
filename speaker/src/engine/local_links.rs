//! The links of this node: those that may carry announcements, and why the others
//! may not. Pure.

use ferrolb_api::views::LinkView;

use crate::host::interfaces::{Link, Links, Patterns, Unsuitable, flapped, suitable};
use crate::layer2::links::LanLink;

/// The links, as the kernel last reported them.
pub(super) struct LocalLinks {
    exclude: Patterns,
    suitable: Vec<Link>,
    /// Would be suitable, and have addresses, but are down or without carrier.
    down: Vec<LanLink>,
    views: Vec<LinkView>,
}

impl LocalLinks {
    /// None are known yet; those that `exclude` names never count.
    pub(super) const fn new(exclude: Patterns) -> Self {
        Self {
            exclude,
            suitable: Vec::new(),
            down: Vec::new(),
            views: Vec::new(),
        }
    }

    /// Takes all links of the node. True if the carrier of one of the suitable
    /// ones was lost and came back in between.
    pub(super) fn update(&mut self, links: &Links) -> bool {
        let before = std::mem::take(&mut self.suitable);
        self.down.clear();
        self.views.clear();
        for link in links.values() {
            let result = suitable(link, &self.exclude);
            self.views.push(LinkView {
                name: link.name.clone(),
                unsuitable: result.as_ref().err().map(ToString::to_string),
            });
            match result {
                Ok(()) => self.suitable.push(link.clone()),
                Err(Unsuitable::Down | Unsuitable::NoCarrier) if !link.addresses.is_empty() => {
                    self.down.push(lan_link(link));
                }
                Err(_) => {}
            }
        }
        flapped(&before, &self.suitable)
    }

    /// The links that would be suitable, and have addresses, but are down.
    pub(super) fn down(&self) -> &[LanLink] {
        &self.down
    }

    /// All links, with why nothing is announced on those that are not in `used`.
    pub(super) fn views(&self, used: &[LanLink]) -> Vec<LinkView> {
        let view = |link: &LinkView| {
            let is_used = used.iter().any(|used| used.name == link.name);
            let held_down = || "its carrier has just returned".to_owned();
            let unsuitable = link.unsuitable.clone();
            LinkView {
                name: link.name.clone(),
                unsuitable: unsuitable.or_else(|| (!is_used).then(held_down)),
            }
        };
        self.views.iter().map(view).collect()
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
