//! What parts of BGP's configuration say of each other.

use super::{Locations, advertisement, peer};
use crate::config::fault::Findings;
use crate::config::{Bgp, BgpAdvertisement, BgpPeer, Pool};
use crate::range::Family;

/// No peer twice under two names, none with a profile that is not there.
pub(super) fn peers(bgp: &Bgp, locations: &[peer::FieldPaths], found: &mut Findings) {
    let unnamed = |peer: &BgpPeer| BgpPeer {
        name: String::new(),
        ..peer.clone()
    };
    let all: Vec<BgpPeer> = bgp.peers.iter().map(unnamed).collect();
    for (index, (peer, paths)) in bgp.peers.iter().zip(locations).enumerate() {
        let earlier = all[..index].iter().position(|other| *other == all[index]);
        if let Some(earlier) = earlier.and_then(|earlier| locations.get(earlier)) {
            found.fault(&paths.whole, format!("says the same as {}", earlier.whole));
        }
        let Some(name) = &peer.bfd_profile else {
            continue;
        };
        if !bgp.bfd_profiles.iter().any(|profile| profile.name == *name) {
            let problem = format!("there is no BFDProfile {name:?}");
            found.fault(&paths.bfd_profile, problem);
        }
    }
}

/// No name of a community twice, none used that is not there.
pub(super) fn communities(bgp: &Bgp, locations: &Locations, found: &mut Findings) {
    for (index, (path, name)) in locations.aliases.iter().enumerate() {
        let earlier = locations.aliases[..index]
            .iter()
            .find(|(_, other)| other == name);
        if let Some((earlier, _)) = earlier {
            found.fault(path, format!("{name:?} is the name of {earlier} already"));
        }
    }
    for (advertisement, paths) in bgp.advertisements.iter().zip(&locations.advertisements) {
        let names = advertisement.communities.iter();
        for name in names.filter(|name| !name.contains(':')) {
            if !locations.aliases.iter().any(|(_, alias)| alias == name) {
                let problem = format!("{name:?} is neither a community nor the name of one");
                found.fault(&paths.communities, problem);
            }
        }
    }
}

/// A peer that is not there is told of; it may come later.
pub(super) fn peer_references(
    bgp: &Bgp,
    locations: &[advertisement::FieldPaths],
    found: &mut Findings,
) {
    for (advertisement, paths) in bgp.advertisements.iter().zip(locations) {
        for name in &advertisement.peers {
            if !bgp.peers.iter().any(|peer| peer.name == *name) {
                found.warn(&paths.peers, format!("there is no peer {name:?}"));
            }
        }
    }
}

/// No prefix announced that reaches beyond what the pool has.
pub(super) fn lengths(
    bgp: &Bgp,
    pools: &[Pool],
    locations: &[advertisement::FieldPaths],
    found: &mut Findings,
) {
    for (advertisement, paths) in bgp.advertisements.iter().zip(locations) {
        for pool in pools
            .iter()
            .filter(|pool| advertisement.pools.selects(pool))
        {
            for range in &pool.ranges {
                let [four, six] = &paths.lengths;
                let (path, length) = match range.family() {
                    Family::V4 => (four, advertisement.aggregation_length),
                    Family::V6 => (six, advertisement.aggregation_length_v6),
                };
                let widest = range.widest_prefix();
                if length < widest {
                    let name = &pool.name;
                    let problem = format!(
                        "a /{length} is more than {range} of pool {name:?} has, of which the widest block is a /{widest}"
                    );
                    found.fault(path, problem);
                }
            }
        }
    }
}

/// One prefix is not announced to one peer from one node with two preferences.
pub(super) fn preferences(
    bgp: &Bgp,
    pools: &[Pool],
    locations: &[advertisement::FieldPaths],
    found: &mut Findings,
) {
    let all: Vec<_> = bgp.advertisements.iter().zip(locations).collect();
    for (index, (one, paths)) in all.iter().enumerate() {
        for (other, _) in &all[..index] {
            let common = pools.iter().find(|pool| {
                one.pools.selects(pool)
                    && other.pools.selects(pool)
                    && same_prefix(one, other, pool)
            });
            let Some(pool) = common.filter(|_| would_conflict(one, other)) else {
                continue;
            };
            let problem = format!(
                "{} differs from {} of BGPAdvertisement {:?}, which announces pool {:?} to the same peers from the same nodes",
                one.local_pref, other.local_pref, other.name, pool.name
            );
            found.fault(&paths.local_pref, problem);
        }
    }
}

/// Whether both announce an address of the pool as a prefix of one length.
fn same_prefix(one: &BgpAdvertisement, other: &BgpAdvertisement, pool: &Pool) -> bool {
    pool.ranges.iter().any(|range| match range.family() {
        Family::V4 => one.aggregation_length == other.aggregation_length,
        Family::V6 => one.aggregation_length_v6 == other.aggregation_length_v6,
    })
}

/// Whether two with different preferences are certain to meet. Which Services
/// and nodes selectors choose is known only when they are there, so that those
/// with different ones are let pass.
fn would_conflict(one: &BgpAdvertisement, other: &BgpAdvertisement) -> bool {
    let everyone = one.peers.is_empty() || other.peers.is_empty();
    let (nodes, others) = (&one.node_selectors, &other.node_selectors);
    let nodes_meet = (nodes.is_empty() && others.is_empty())
        || nodes.iter().any(|selector| others.contains(selector));
    one.local_pref != other.local_pref
        && one.service_selectors.is_empty()
        && other.service_selectors.is_empty()
        && nodes_meet
        && (everyone || !one.peers.is_disjoint(&other.peers))
}

/// Echo packets are of IPv4 only.
pub(super) fn echoes(
    bgp: &Bgp,
    pools: &[Pool],
    locations: &[peer::FieldPaths],
    found: &mut Findings,
) {
    for (peer, paths) in bgp.peers.iter().zip(locations) {
        let profile = bgp
            .bfd_profiles
            .iter()
            .find(|profile| profile.echo_mode && peer.bfd_profile.as_ref() == Some(&profile.name));
        let Some(profile) = profile else { continue };
        let told = |advertisement: &&BgpAdvertisement| {
            advertisement.peers.is_empty() || advertisement.peers.contains(&peer.name)
        };
        let six = bgp
            .advertisements
            .iter()
            .filter(told)
            .find_map(|advertisement| {
                let six =
                    |pool: &&Pool| pool.ranges.iter().any(|range| range.family() == Family::V6);
                pools
                    .iter()
                    .filter(six)
                    .find(|pool| advertisement.pools.selects(pool))
            });
        if let Some(pool) = six {
            let problem = format!(
                "{:?} has echoMode, which does not go with the IPv6 addresses of pool {:?} that this peer is told",
                profile.name, pool.name
            );
            found.fault(&paths.bfd_profile, problem);
        }
    }
}
