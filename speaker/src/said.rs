//! What a speaker says of itself in gossip, as keys and values, and how it is
//! read back. Pure. This is the protocol between speakers: a key once given a
//! meaning keeps it.
//!
//! | key | value |
//! | --- | --- |
//! | `claim/IP` | the epoch of its claim on that IP, decimal |
//! | `draining` | `1` while it is leaving |
//! | `starting` | `1` until it knows enough to own anything |
//! | `isolated` | `1` while no other speaker answers it on the LAN |
//! | `conflict/IP` | the MAC of a stranger that holds that IP |
//! | `links` | JSON list of its suitable links with carrier |

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::ownership::{Epoch, Standing};
use crate::reach::LanLink;
use crate::wire::mac::Mac;

const CLAIM: &str = "claim/";
const DRAINING: &str = "draining";
const STARTING: &str = "starting";
const ISOLATED: &str = "isolated";
const CONFLICT: &str = "conflict/";
const LINKS: &str = "links";

/// A key to set, or to delete where there is no value.
pub type KeyChange = (String, Option<String>);

/// Claims an IP, or takes the claim back.
#[must_use]
pub fn claim(ip: IpAddr, epoch: Option<Epoch>) -> KeyChange {
    (format!("{CLAIM}{ip}"), epoch.map(|epoch| epoch.to_string()))
}

/// Says that this node is leaving.
#[must_use]
pub fn draining() -> KeyChange {
    (DRAINING.to_owned(), Some("1".to_owned()))
}

/// Says whether this node still has to learn what there is to own.
#[must_use]
pub fn starting(starting: bool) -> KeyChange {
    (STARTING.to_owned(), starting.then(|| "1".to_owned()))
}

/// Says whether anybody answers this node on the LAN.
#[must_use]
pub fn isolated(isolated: bool) -> KeyChange {
    (ISOLATED.to_owned(), isolated.then(|| "1".to_owned()))
}

/// Names the stranger that holds an IP, or takes that back.
#[must_use]
pub fn conflict(ip: IpAddr, stranger: Option<Mac>) -> KeyChange {
    (
        format!("{CONFLICT}{ip}"),
        stranger.map(|mac| mac.to_string()),
    )
}

/// Names this node's suitable links with carrier.
#[must_use]
pub fn links(links: &[LanLink]) -> KeyChange {
    // A list of names, numbers and addresses always has a JSON form.
    (LINKS.to_owned(), serde_json::to_string(links).ok())
}

/// Reads what a member says. A value that cannot be read counts as unsaid: a
/// newer version may have said it.
#[must_use]
pub fn read(state: &BTreeMap<String, String>, alive: bool) -> (Standing, Vec<LanLink>) {
    let links: Vec<LanLink> = state
        .get(LINKS)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let standing = Standing {
        alive,
        draining: state.contains_key(DRAINING),
        starting: state.contains_key(STARTING),
        isolated: state.contains_key(ISOLATED),
        conflicts: state.keys().filter_map(|key| read_conflict(key)).collect(),
        claims: state.iter().filter_map(read_claim).collect(),
        macs: links.iter().map(|link| link.mac).collect(),
    };
    (standing, links)
}

fn read_conflict(key: &str) -> Option<IpAddr> {
    key.strip_prefix(CONFLICT)?.parse().ok()
}

fn read_claim((key, value): (&String, &String)) -> Option<(IpAddr, Epoch)> {
    let ip = key.strip_prefix(CLAIM)?.parse().ok()?;
    Some((ip, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{claim, conflict, draining, isolated, links, read, starting};
    use crate::reach::LanLink;
    use crate::wire::mac::Mac;

    #[test]
    fn what_is_said_is_read_back() {
        let link = LanLink {
            index: 2,
            name: "eth0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            subnets: vec!["192.0.2.9/24".parse().unwrap()],
        };
        let ip = "192.0.2.1".parse().unwrap();
        let state: BTreeMap<String, String> = [
            claim(ip, Some(7)),
            draining(),
            starting(true),
            isolated(true),
            conflict(ip, Some(link.mac)),
            links(std::slice::from_ref(&link)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
        let (standing, read_links) = read(&state, true);
        assert!(standing.alive && standing.draining && standing.isolated && standing.starting);
        assert!(standing.conflicts.contains(&ip));
        assert_eq!(standing.claims, BTreeMap::from([(ip, 7)]));
        assert!(standing.macs.contains(&link.mac));
        assert_eq!(read_links, [link]);
    }

    #[test]
    fn what_cannot_be_read_counts_as_unsaid() {
        let state = BTreeMap::from([
            ("claim/nowhere".to_owned(), "1".to_owned()),
            ("claim/192.0.2.1".to_owned(), "soon".to_owned()),
            ("links".to_owned(), "{}".to_owned()),
            ("colour".to_owned(), "blue".to_owned()),
        ]);
        let (standing, read_links) = read(&state, true);
        assert!(standing.claims.is_empty() && read_links.is_empty());
    }
}
