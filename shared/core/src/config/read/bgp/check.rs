//! Checks across the sections of the BGP configuration. Pure.

use super::{Locations, advertisement, peer};
use crate::config::fault::Findings;
use crate::config::{Bgp, BgpAdvertisement, BgpPeer, Pool};
use crate::range::Family;

/// Rejects a peer defined under two names and a BFD profile that does not exist.
pub(super) fn peers(bgp: &Bgp, locations: &[peer::FieldPaths], found: &mut Findings) {
    let unnamed = |peer: &BgpPeer| BgpPeer {
        name: String::new(),
        ..peer.clone()
    };
    let all: Vec<BgpPeer> = bgp.peers.iter().map(unnamed).collect();
    for (index, (peer, paths)) in bgp.peers.iter().zip(locations).enumerate() {
        let earlier = all[..index].iter().position(|other| *other == all[index]);
        if let Some(earlier) = earlier.and_then(|earlier| locations.get(earlier)) {
            found.fault(&paths.whole, format!("duplicates {}", earlier.whole));
        }
        let Some(name) = &peer.bfd_profile else {
            continue;
        };
        if !bgp.bfd_profiles.iter().any(|profile| profile.name == *name) {
            let problem = format!("BFDProfile {name:?} does not exist");
            found.fault(&paths.bfd_profile, problem);
        }
    }
}

/// Rejects a community name defined twice and one used without a definition.
pub(super) fn communities(bgp: &Bgp, locations: &Locations, found: &mut Findings) {
    for (index, (path, name)) in locations.aliases.iter().enumerate() {
        let earlier = locations.aliases[..index]
            .iter()
            .find(|(_, other)| other == name);
        if let Some((earlier, _)) = earlier {
            found.fault(
                path,
                format!("duplicate name {name:?}, already used at {earlier}"),
            );
        }
    }
    for (advertisement, paths) in bgp.advertisements.iter().zip(&locations.advertisements) {
        let names = advertisement.communities.iter();
        for name in names.filter(|name| !name.contains(':')) {
            if !locations.aliases.iter().any(|(_, alias)| alias == name) {
                let problem = format!("community {name:?} is not defined");
                found.fault(&paths.communities, problem);
            }
        }
    }
}

/// Warns about a peer that does not exist; it may be created later.
pub(super) fn peer_references(
    bgp: &Bgp,
    locations: &[advertisement::FieldPaths],
    found: &mut Findings,
) {
    for (advertisement, paths) in bgp.advertisements.iter().zip(locations) {
        for name in &advertisement.peers {
            if !bgp.peers.iter().any(|peer| peer.name == *name) {
                found.warn(&paths.peers, format!("peer {name:?} does not exist"));
            }
        }
    }
}

/// Rejects a prefix that covers addresses outside the pool.
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
                        "must be at least {widest} for {range} of pool {name:?}, not {length}"
                    );
                    found.fault(path, problem);
                }
            }
        }
    }
}

/// Rejects two local preferences for one prefix, peer and node.
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
                "{} conflicts with {} of BGPAdvertisement {:?}, which announces pool {:?} to the same peers from the same nodes",
                one.local_pref, other.local_pref, other.name, pool.name
            );
            found.fault(&paths.local_pref, problem);
        }
    }
}

/// Whether both announce addresses of the pool with the same prefix length.
fn same_prefix(one: &BgpAdvertisement, other: &BgpAdvertisement, pool: &Pool) -> bool {
    pool.ranges.iter().any(|range| match range.family() {
        Family::V4 => one.aggregation_length == other.aggregation_length,
        Family::V6 => one.aggregation_length_v6 == other.aggregation_length_v6,
    })
}

/// Whether two advertisements with different preferences are certain to cover
/// the same announcement. What selectors match is known only at run time, so
/// different selectors are accepted.
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

/// BFD echo mode supports IPv4 only.
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
        let receives = |advertisement: &&BgpAdvertisement| {
            advertisement.peers.is_empty() || advertisement.peers.contains(&peer.name)
        };
        let six = bgp
            .advertisements
            .iter()
            .filter(receives)
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
                "{:?} enables echoMode, which does not support the IPv6 addresses of pool {:?} announced to this peer",
                profile.name, pool.name
            );
            found.fault(&paths.bfd_profile, problem);
        }
    }
}
