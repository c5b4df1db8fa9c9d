//! Links that lost their carrier. One that has it again is used only when this
//! node hears whom it heard before, or has waited long enough: carrier comes
//! before the switch, or the kernel, lets frames through, and who hears nobody
//! would take everything.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Agent, Note};
use crate::layer2::gossip_keys;
use crate::layer2::links::LanLink;

/// After a carrier is back, members are waited for so long.
const RETURN: Duration = Duration::from_secs(2);

/// The links that lost their carrier and are not used again yet.
#[derive(Debug, Default)]
pub(super) struct HeldDownLinks(Vec<HeldDown>);

#[derive(Debug)]
struct HeldDown {
    link: LanLink,
    /// Whom this node heard when the carrier went.
    heard: BTreeSet<SocketAddr>,
    /// Since when there is a carrier again.
    back: Option<Instant>,
}

impl HeldDownLinks {
    /// There was carrier on some links, and now there is on others; these
    /// members are heard.
    fn update(
        &mut self,
        before: &[LanLink],
        now: &[LanLink],
        heard: &BTreeSet<SocketAddr>,
        at: Instant,
    ) {
        for loss in &mut self.0 {
            let carrier = has(now, &loss.link.name);
            loss.back = carrier.then(|| loss.back.unwrap_or(at));
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

    /// Lets go of the links that may be used again; whether there were any.
    fn release(&mut self, heard: &BTreeSet<SocketAddr>, now: Instant) -> bool {
        let before = self.0.len();
        let is_over = |since: Instant| now - since > RETURN;
        self.0.retain(|loss| {
            let back = loss.back;
            back.is_none_or(|since| !is_over(since) && !loss.heard.is_subset(heard))
        });
        self.0.len() < before
    }

    fn holds(&self, name: &str) -> bool {
        self.0.iter().any(|loss| loss.link.name == name)
    }

    fn any_is_back(&self) -> bool {
        self.0.iter().any(|loss| loss.back.is_some())
    }

    /// The links, as they were.
    pub(super) fn links(&self) -> Vec<LanLink> {
        self.0.iter().map(|loss| loss.link.clone()).collect()
    }
}

fn has(links: &[LanLink], name: &str) -> bool {
    links.iter().any(|link| link.name == name)
}

impl Agent {
    /// These are the suitable links with carrier.
    pub fn links_changed(&mut self, links: Vec<LanLink>, now: Instant) {
        if links == self.linked {
            return;
        }
        let heard = self.heard();
        self.held_down.update(&self.linked, &links, &heard, now);
        self.held_down.release(&heard, now);
        self.linked = links;
        self.use_links();
    }

    /// Uses the links again that may be.
    pub(super) fn release_held_down(&mut self, now: Instant) {
        if self.held_down.any_is_back() && self.held_down.release(&self.heard(), now) {
            self.use_links();
        }
    }

    fn use_links(&mut self) {
        let linked = self.linked.iter();
        let links: Vec<_> = linked
            .filter(|link| !self.held_down.holds(&link.name))
            .cloned()
            .collect();
        // A loss alone matters too: what is known of lost links is surveyed.
        self.stale = true;
        if links == self.links {
            return;
        }
        let names = links.iter().map(|link| link.name.clone());
        self.note(Note::LinksChanged(names.collect()));
        self.publish(vec![gossip_keys::links(&links)]);
        self.links = links;
    }
}
