//! Reads what is said about BGP, and checks what its parts say of each other.

mod advertisement;
mod bfd;
mod check;
mod community;
mod peer;
mod seconds;

use super::entry::Entry;
use super::selection::PoolReferences;
use crate::config::fault::Findings;
use crate::config::{Bgp, CommunityAlias, Kind, Pool};

pub(super) use community::value as community_value;

/// Where things stand that can only be judged when everything is read.
#[derive(Default)]
pub(super) struct Locations {
    /// Of each kind the first, which is told that nothing comes of it yet.
    first: Vec<(Kind, String)>,
    advertisements: Vec<advertisement::FieldPaths>,
    peers: Vec<peer::FieldPaths>,
    /// Each name of a community, and where.
    aliases: Vec<(String, String)>,
}

impl Locations {
    /// Takes in names of communities that stand at these locations.
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
    locations: &mut Locations,
    references: &mut PoolReferences,
    found: &mut Findings,
) {
    if !locations.first.iter().any(|(known, _)| *known == kind) {
        locations.first.push((kind, entry.name_path.clone()));
    }
    match kind {
        Kind::BgpAdvertisement => {
            locations
                .advertisements
                .push(advertisement::field_paths(entry));
            let read = advertisement::read(entry, references, found);
            bgp.advertisements.push(read);
        }
        Kind::BgpPeer => {
            // Without its necessary fields it is no peer, and there is a fault.
            if let Some(read) = peer::read(entry, found) {
                locations.peers.push(peer::field_paths(entry));
                bgp.peers.push(read);
            }
        }
        Kind::BfdProfile => bgp.bfd_profiles.push(bfd::read(entry, found)),
        Kind::Community => {
            let read = community::read(entry, &mut locations.aliases, found);
            bgp.communities.push(read);
        }
        Kind::IpAddressPool | Kind::L2Advertisement => {}
    }
}

/// What the parts say of each other, and of the pools.
pub(super) fn finish(bgp: &Bgp, pools: &[Pool], locations: &Locations, found: &mut Findings) {
    for (_, path) in &locations.first {
        found.warn(path, "checked and kept, but BGP is not spoken yet");
    }
    check::peers(bgp, &locations.peers, found);
    check::communities(bgp, locations, found);
    check::peer_references(bgp, &locations.advertisements, found);
    check::lengths(bgp, pools, &locations.advertisements, found);
    check::preferences(bgp, pools, &locations.advertisements, found);
    check::echoes(bgp, pools, &locations.peers, found);
}
