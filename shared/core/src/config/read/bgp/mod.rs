//! Reads the BGP configuration and checks its sections against each other. Pure.

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

/// Paths needed by the checks that run when everything is read.
#[derive(Default)]
pub(super) struct Locations {
    /// The first entry of each kind, which gets the warning that BGP has no effect
    /// yet.
    first: Vec<(Kind, String)>,
    advertisements: Vec<advertisement::FieldPaths>,
    peers: Vec<peer::FieldPaths>,
    /// The path and name of each community.
    aliases: Vec<(String, String)>,
}

impl Locations {
    /// Registers community names with their paths.
    pub(super) fn register(&mut self, all: Vec<(String, CommunityAlias)>) -> Vec<CommunityAlias> {
        let take = |(path, alias): (String, CommunityAlias)| {
            self.aliases.push((path, alias.name.clone()));
            alias
        };
        all.into_iter().map(take).collect()
    }
}

/// Reads one entry.
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
            // A peer without its required fields is left out; there is a fault.
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

/// Checks the sections against each other and against the pools.
pub(super) fn finish(bgp: &Bgp, pools: &[Pool], locations: &Locations, found: &mut Findings) {
    for (_, path) in &locations.first {
        found.warn(path, "validated, but BGP has no effect yet");
    }
    check::peers(bgp, &locations.peers, found);
    check::communities(bgp, locations, found);
    check::peer_references(bgp, &locations.advertisements, found);
    check::lengths(bgp, pools, &locations.advertisements, found);
    check::preferences(bgp, pools, &locations.advertisements, found);
    check::echoes(bgp, pools, &locations.peers, found);
}
