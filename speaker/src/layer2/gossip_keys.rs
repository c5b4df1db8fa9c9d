//! The keys that a speaker publishes in gossip, and how they are read. Pure. This
//! is the protocol between speakers: a key never changes its meaning.
//!
//! | key | value |
//! | --- | --- |
//! | `claim/IP` | the epoch of its claim on that IP, decimal |
//! | `draining` | `1` while it is leaving |
//! | `starting` | `1` until it knows enough to own anything |
//! | `isolated` | `1` while no other speaker answers it on the LAN |
//! | `seized/IP` | how often in quick succession it took that IP from live nodes |
//! | `conflict/IP` | the MAC of a foreign host that uses that IP |
//! | `links` | JSON list of its suitable links with carrier |
//! | `links-down` | the same of its links with addresses that are down; none is no key |

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Instant;

use crate::layer2::election::{Election, MemberState};
use crate::layer2::links::LanLink;

const TRUE: &str = "1";
const CLAIM: &str = "claim/";
const DRAINING: &str = "draining";
const STARTING: &str = "starting";
const ISOLATED: &str = "isolated";
const SEIZED: &str = "seized/";
const CONFLICT: &str = "conflict/";
const LINKS: &str = "links";
const LINKS_DOWN: &str = "links-down";

/// A key to set, or to delete where there is no value.
pub type KeyChange = (String, Option<String>);

/// The keys about IPs, with their values.
pub type IpKeys = BTreeMap<String, String>;

/// The keys about IPs: claims, forced takeovers, and conflicts with foreign hosts.
#[must_use]
pub fn ip_keys(election: &Election, now: Instant) -> IpKeys {
    let claims = election.claims();
    let claims = claims.map(|(ip, epoch)| (format!("{CLAIM}{ip}"), epoch.to_string()));
    let forced_takeovers = election.forced_takeovers(now);
    let forced_takeovers =
        forced_takeovers.map(|(ip, times)| (format!("{SEIZED}{ip}"), times.to_string()));
    let conflicts = election.conflicts();
    let conflicts = conflicts.map(|(ip, mac)| (format!("{CONFLICT}{ip}"), mac.to_string()));
    claims.chain(forced_takeovers).chain(conflicts).collect()
}

/// The keys to set and to delete on the way from one state to the other.
#[must_use]
pub fn changes(before: &IpKeys, after: &IpKeys) -> Vec<KeyChange> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), None));
    let new = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value));
    gone.chain(new.map(|(key, value)| (key.clone(), Some(value.clone()))))
        .collect()
}

/// This node is leaving.
#[must_use]
pub fn draining() -> KeyChange {
    (DRAINING.to_owned(), Some(TRUE.to_owned()))
}

/// Whether this node does not know yet what there is to own.
#[must_use]
pub fn starting(starting: bool) -> KeyChange {
    (STARTING.to_owned(), starting.then(|| TRUE.to_owned()))
}

/// Whether no other speaker answers this node on the LAN.
#[must_use]
pub fn isolated(isolated: bool) -> KeyChange {
    (ISOLATED.to_owned(), isolated.then(|| TRUE.to_owned()))
}

/// This node's suitable links with carrier.
#[must_use]
pub fn links(links: &[LanLink]) -> KeyChange {
    // A list of names, numbers and addresses always has a JSON form.
    (LINKS.to_owned(), serde_json::to_string(links).ok())
}

/// This node's links that have addresses and would be suitable, but are down or
/// without carrier: the others report them as the reason why it does not announce.
#[must_use]
pub fn links_down(links: &[LanLink]) -> KeyChange {
    let value = (!links.is_empty()).then(|| serde_json::to_string(links).ok());
    (LINKS_DOWN.to_owned(), value.flatten())
}

/// Reads a member's links that are down.
#[must_use]
pub fn read_links_down(state: &BTreeMap<String, String>) -> Vec<LanLink> {
    read_links(LINKS_DOWN, state)
}

fn read_links(key: &str, state: &BTreeMap<String, String>) -> Vec<LanLink> {
    let text = state.get(key);
    let links = text.and_then(|text| serde_json::from_str(text).ok());
    links.unwrap_or_default()
}

/// Reads the keys of a member. A value that cannot be read counts as absent: a
/// newer version may have set it.
#[must_use]
pub fn read(state: &BTreeMap<String, String>, alive: bool) -> (MemberState, Vec<LanLink>) {
    let links = read_links(LINKS, state);
    let member = MemberState {
        alive,
        draining: state.contains_key(DRAINING),
        starting: state.contains_key(STARTING),
        isolated: state.contains_key(ISOLATED),
        forced_takeovers: numbers_under(SEIZED, state).collect(),
        conflicts: ips_under(CONFLICT, state),
        claims: numbers_under(CLAIM, state).collect(),
        macs: links.iter().map(|link| link.mac).collect(),
    };
    (member, links)
}

fn ips_under(prefix: &str, state: &BTreeMap<String, String>) -> BTreeSet<IpAddr> {
    let keys = state.keys().filter_map(|key| key.strip_prefix(prefix));
    keys.filter_map(|ip| ip.parse().ok()).collect()
}

fn numbers_under<N: FromStr>(
    prefix: &'static str,
    state: &BTreeMap<String, String>,
) -> impl Iterator<Item = (IpAddr, N)> {
    state.iter().filter_map(move |(key, value)| {
        let ip = key.strip_prefix(prefix)?.parse().ok()?;
        Some((ip, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Instant;

    use super::{changes, draining, ip_keys, isolated, links, read, starting};
    use crate::layer2::election::{Election, ElectionInput, ElectionView, LanState, Timing};
    use crate::layer2::links::LanLink;
    use ferrolb_core::mac::Mac;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn link() -> LanLink {
        LanLink {
            index: 2,
            name: "eth0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            subnets: vec!["192.0.2.9/24".parse().unwrap()],
        }
    }

    #[test]
    fn keys_about_the_node_are_read_back() {
        let keys = [
            draining(),
            isolated(true),
            starting(true),
            links(std::slice::from_ref(&link())),
        ];
        let keys = keys.into_iter();
        let state = keys.filter_map(|(key, value)| Some((key, value?)));
        let (member, read_links) = read(&state.collect(), true);
        assert!(member.alive && member.draining && member.isolated && member.starting);
        assert!(member.macs.contains(&link().mac));
        assert_eq!(read_links, [link()]);
    }

    #[test]
    fn claims_and_conflicts_are_read_back() {
        let now = Instant::now();
        let mut input = ElectionInput::default();
        let held: IpAddr = "2001:db8::1".parse().unwrap();
        for ip in [IP, held] {
            let me = BTreeMap::from([("a".to_owned(), 0)]);
            input.candidates.insert(ip, me.into());
            input.reachable.insert(ip);
        }
        let timing = Timing::default();
        let mut election = Election::new("a".to_owned(), timing);
        let step = |election: &mut Election, now| {
            let own = election.claims().count();
            let me = "a".to_owned();
            let mut view = ElectionView::new(&me, &input, &LanState::default(), own);
            election.step(&mut view, now)
        };
        step(&mut election, now);
        election.claim_seen(held, Mac([2, 0, 0, 0, 0, 9]), &input, now);
        step(&mut election, now + timing.initial_probe);
        let keys = ip_keys(&election, now);
        let (member, _) = read(&keys, true);
        assert_eq!(member.claims, BTreeMap::from([(IP, 1)]));
        assert_eq!(member.conflicts, BTreeSet::from([held]));
        let first = changes(&BTreeMap::new(), &keys);
        assert_eq!(first.len(), 2);
        assert_eq!(changes(&keys, &keys), []);
        assert!(
            changes(&keys, &BTreeMap::new())
                .iter()
                .all(|(_, value)| value.is_none())
        );
    }

    #[test]
    fn a_forced_takeover_is_read_back() {
        let keys = BTreeMap::from([(format!("seized/{IP}"), "2".to_owned())]);
        assert_eq!(
            read(&keys, true).0.forced_takeovers,
            BTreeMap::from([(IP, 2)])
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_counts_as_absent() {
        let state = BTreeMap::from([
            ("claim/nowhere".to_owned(), "1".to_owned()),
            ("claim/192.0.2.1".to_owned(), "soon".to_owned()),
            ("links".to_owned(), "{}".to_owned()),
            ("colour".to_owned(), "blue".to_owned()),
        ]);
        let (member, read_links) = read(&state, true);
        assert!(member.claims.is_empty() && read_links.is_empty());
    }
}
