//! The links on which this node announces: the suitable ones with carrier, except
//! those that are held down.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Instant;

use super::hold_down::HeldDownLinks;
use super::output::{Note, Outputs};
use crate::layer2::gossip_keys;
use crate::layer2::links::LanLink;

/// This node's links.
#[derive(Debug, Default)]
pub(super) struct OwnLinks {
    /// The suitable links with carrier.
    carrier: Vec<LanLink>,
    /// Those of them that are used.
    in_use: Vec<LanLink>,
    held_down: HeldDownLinks,
}

impl OwnLinks {
    /// These are now the suitable links with carrier, and these the live members.
    /// True if anything changed: losing a link matters even before another is used.
    pub(super) fn update(
        &mut self,
        carrier: Vec<LanLink>,
        members: &BTreeSet<SocketAddr>,
        now: Instant,
        outputs: &mut Outputs,
    ) -> bool {
        if carrier == self.carrier {
            return false;
        }
        self.held_down.update(&self.carrier, &carrier, members, now);
        self.held_down.release(members, now);
        self.carrier = carrier;
        self.select(outputs);
        true
    }

    /// Uses links again that need not be held down any longer; true if there are any.
    pub(super) fn release(
        &mut self,
        members: impl FnOnce() -> BTreeSet<SocketAddr>,
        now: Instant,
        outputs: &mut Outputs,
    ) -> bool {
        let released = self.held_down.any_is_back() && self.held_down.release(&members(), now);
        if released {
            self.select(outputs);
        }
        released
    }

    pub(super) fn in_use(&self) -> &[LanLink] {
        &self.in_use
    }

    /// The links that are held down, as they were when they lost their carrier.
    pub(super) fn held_down(&self) -> Vec<LanLink> {
        self.held_down.links()
    }

    fn select(&mut self, outputs: &mut Outputs) {
        let carrier = self.carrier.iter();
        let in_use = carrier.filter(|link| !self.held_down.holds(&link.name));
        let in_use: Vec<LanLink> = in_use.cloned().collect();
        if in_use == self.in_use {
            return;
        }
        let names = in_use.iter().map(|link| link.name.clone());
        outputs.note(Note::LinksChanged(names.collect()));
        outputs.publish(vec![gossip_keys::links(&in_use)]);
        self.in_use = in_use;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::{Duration, Instant};

    use super::OwnLinks;
    use crate::layer2::agent::output::Outputs;
    use crate::layer2::links::LanLink;
    use ferrolb_core::mac::Mac;

    fn link() -> LanLink {
        LanLink {
            index: 2,
            name: "eth0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            subnets: Vec::new(),
        }
    }

    /// A link that lost its carrier while a peer was heard, and has it again.
    fn returned(peer: SocketAddr, now: Instant) -> OwnLinks {
        let (mut links, mut outputs) = (OwnLinks::default(), Outputs::default());
        let heard = BTreeSet::from([peer]);
        assert!(links.update(vec![link()], &heard, now, &mut outputs));
        assert_eq!(links.in_use(), [link()]);
        assert!(links.update(Vec::new(), &heard, now, &mut outputs));
        assert!(links.update(vec![link()], &BTreeSet::new(), now, &mut outputs));
        assert!(links.in_use().is_empty() && links.held_down() == [link()]);
        links
    }

    #[test]
    fn a_returning_link_is_used_when_the_peers_are_heard_again() {
        let (now, peer) = (Instant::now(), (Ipv4Addr::LOCALHOST, 9618).into());
        let mut links = returned(peer, now);
        let mut outputs = Outputs::default();
        assert!(!links.release(BTreeSet::new, now, &mut outputs));
        assert!(links.release(|| [peer].into(), now, &mut outputs));
        assert_eq!(links.in_use(), [link()]);
        assert_eq!(outputs.take().len(), 2, "a note, and its links in gossip");
    }

    #[test]
    fn a_returning_link_is_used_after_the_hold_time() {
        let (now, peer) = (Instant::now(), (Ipv4Addr::LOCALHOST, 9618).into());
        let mut links = returned(peer, now);
        let later = now + Duration::from_millis(2001);
        assert!(links.release(BTreeSet::new, later, &mut Outputs::default()));
    }
}
