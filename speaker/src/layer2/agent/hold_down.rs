//! Links that lost their carrier are held down: used again only when this node
//! hears the members that it heard before, or has waited long enough. Carrier
//! comes before the switch, or the kernel, forwards frames, and a node that hears
//! no member would take every IP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::layer2::links::LanLink;

/// The longest wait for members after the carrier is back.
const HOLD_TIME: Duration = Duration::from_secs(2);

/// The links that lost their carrier and are not used again yet.
#[derive(Debug, Default)]
pub(super) struct HeldDownLinks(Vec<HeldDown>);

#[derive(Debug)]
struct HeldDown {
    link: LanLink,
    /// The live members when the carrier was lost.
    heard: BTreeSet<SocketAddr>,
    /// Since when there is carrier again.
    back: Option<Instant>,
}

impl HeldDownLinks {
    /// The links with carrier were `before` and are `now`; `heard` are the live members.
    pub(super) fn update(
        &mut self,
        before: &[LanLink],
        now: &[LanLink],
        heard: &BTreeSet<SocketAddr>,
        at: Instant,
    ) {
        for held in &mut self.0 {
            let carrier = has(now, &held.link.name);
            held.back = carrier.then(|| held.back.unwrap_or(at));
        }
        for link in before.iter().filter(|link| !has(now, &link.name)) {
            if !self.holds(&link.name) {
                self.0.push(HeldDown {
                    link: link.clone(),
                    heard: heard.clone(),
                    back: None,
                });
            }
        }
    }

    /// Releases the links that may be used again; true if there were any.
    pub(super) fn release(&mut self, heard: &BTreeSet<SocketAddr>, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|held| {
            held.back
                .is_none_or(|since| now - since <= HOLD_TIME && !held.heard.is_subset(heard))
        });
        self.0.len() < before
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.0.iter().any(|held| held.link.name == name)
    }

    pub(super) fn any_is_back(&self) -> bool {
        self.0.iter().any(|held| held.back.is_some())
    }

    /// The links, as they were.
    pub(super) fn links(&self) -> Vec<LanLink> {
        self.0.iter().map(|held| held.link.clone()).collect()
    }
}

fn has(links: &[LanLink], name: &str) -> bool {
    links.iter().any(|link| link.name == name)
}
