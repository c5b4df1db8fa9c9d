//! Reads what is said about BGP, and checks what its parts say of each other.

mod advertisement;
mod bfd;
mod check;
mod community;
mod peer;
mod seconds;

use super::entry::Entry;
use super::selection::Mentions;
use crate::config::fault::Findings;
use crate::config::{Bgp, CommunityAlias, Kind, Pool};

pub(super) use community::value as community_value;

/// Where things stand that can only be judged when everything is read.
#[derive(Default)]
pub(super) struct Places {
    /// Of each kind the first, which is told that nothing comes of it yet.
    first: Vec<(Kind, String)>,
    advertisements: Vec<advertisement::Place>,
    peers: Vec<peer::Place>,
    /// Each name of a community, and where.
    aliases: Vec<(String, String)>,
}

impl Places {
    /// Takes in names of communities that stand at these places.
    pub(super) fn named(&mut self, all: Vec<(String, CommunityAlias)>) -> Vec<CommunityAlias> {
        let take = |(path, alias): (String, CommunityAlias)| {
            self.aliases.push((path, alias.name.clone()));
            alias
        };
        all.into_iter().map(take).collect()
    }
}

/// Reads one.
pub(super) fn read(
    kind: Kind,
    entry: &Entry<'_>,
    bgp: &mut Bgp,
    places: &mut Places,
    mentions: &mut Mentions,
    found: &mut Findings,
) {
    if !places.first.iter().any(|(known, _)| *known == kind) {
        places.first.push((kind, entry.named_at.clone()));
    }
    match kind {
        Kind::BgpAdvertisement => {
            places.advertisements.push(advertisement::place(entry));
            let read = advertisement::read(entry, mentions, found);
            bgp.advertisements.push(read);
        }
        Kind::BgpPeer => {
            // Without its necessary fields it is no peer, and there is a fault.
            if let Some(read) = peer::read(entry, found) {
                places.peers.push(peer::place(entry));
                bgp.peers.push(read);
            }
        }
        Kind::BfdProfile => bgp.bfd_profiles.push(bfd::read(entry, found)),
        Kind::Community => {
            let read = community::read(entry, &mut places.aliases, found);
            bgp.communities.push(read);
        }
        Kind::IpAddressPool | Kind::L2Advertisement => {}
    }
}

/// What the parts say of each other, and of the pools.
pub(super) fn finish(bgp: &Bgp, pools: &[Pool], places: &Places, found: &mut Findings) {
    for (_, path) in &places.first {
        found.warn(path, "checked and kept, but BGP is not spoken yet");
    }
    check::peers(bgp, &places.peers, found);
    check::communities(bgp, places, found);
    check::peers_named(bgp, &places.advertisements, found);
    check::lengths(bgp, pools, &places.advertisements, found);
    check::preferences(bgp, pools, &places.advertisements, found);
    check::echoes(bgp, pools, &places.peers, found);
}
