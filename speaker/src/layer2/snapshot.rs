//! Combines the desired IPs, the gossip view and this node's links into the input of
//! the election at one moment. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::key::NodeName;

use crate::eligibility::{DesiredIp, DesiredIps, EligibilityByNode, Ineligible};
use crate::gossip::View;
use crate::layer2::election::{Candidates, ElectionInput, MemberState};
use crate::layer2::gossip_keys;
use crate::layer2::links::{Lan, LanLink, links_for, neighbourhood};

/// The election's input, and the links that go with it.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What the election decides on.
    pub input: ElectionInput,
    /// The links on which this node may answer for an IP.
    pub links: BTreeMap<IpAddr, BTreeSet<u32>>,
    /// Every member's links, dead members included.
    pub lan: Lan,
}

/// The sources of a snapshot besides the gossip view.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotSources<'a> {
    /// This node's suitable links with carrier.
    pub own_links: &'a [LanLink],
    /// Its links that are held down: their subnets are part of the LAN, but nothing is
    /// announced on them.
    pub held_down_links: &'a [LanLink],
    /// The IPs that Services want announced, and the nodes that may.
    pub desired: &'a DesiredIps,
    /// The IPs this node answers for, and on which links.
    pub answering: &'a BTreeMap<IpAddr, BTreeSet<u32>>,
    /// This node is leaving.
    pub draining: bool,
}

/// Takes a snapshot for node `me`.
#[must_use]
pub fn take_snapshot(me: &str, view: &View, sources: &SnapshotSources<'_>) -> Snapshot {
    let (others, lan) = members(me, view, sources.own_links);
    let mut live_lan = live(&lan, &others);
    if let Some(own) = live_lan.get_mut(me) {
        own.extend_from_slice(sources.held_down_links);
    }
    let mut cache = CandidacyCache::new(me, &live_lan, sources.held_down_links);
    let mut snapshot = Snapshot::default();
    for (ip, desired) in sources.desired {
        let candidacy = cache.of(*ip, desired);
        let links = candidacy.links.clone();
        let links = links.unwrap_or_else(|| still_answered_on(*ip, sources));
        if !links.is_empty() {
            snapshot.input.reachable.insert(*ip);
            snapshot.links.insert(*ip, links);
        }
        let candidates = Arc::clone(&candidacy.candidates);
        snapshot.input.candidates.insert(*ip, candidates);
    }
    snapshot.lan = lan;
    snapshot.input.others = others;
    snapshot.input.draining = sources.draining;
    snapshot
}

impl Snapshot {
    /// The links on which this node answers for each of `ips`.
    #[must_use]
    pub fn answered_on(
        &self,
        ips: impl Iterator<Item = IpAddr>,
    ) -> BTreeMap<IpAddr, BTreeSet<u32>> {
        ips.filter_map(|ip| Some((ip, self.links.get(&ip)?.clone())))
            .collect()
    }
}

/// The size of the cache: most IPs have the same candidates.
const RECENT: usize = 8;

/// The nodes that can announce an IP, and the links on which this node can.
struct Candidacy<'a> {
    nodes: &'a EligibilityByNode,
    neighbourhood: Vec<bool>,
    links: Option<BTreeSet<u32>>,
    candidates: Arc<Candidates>,
}

/// Computes each candidacy once: IPs on the same subnets with the same eligible nodes
/// share it.
struct CandidacyCache<'a> {
    me: NodeName,
    lan: &'a Lan,
    held_down: &'a [LanLink],
    /// The last used first.
    recent: VecDeque<Candidacy<'a>>,
}

impl<'a> CandidacyCache<'a> {
    fn new(me: &str, lan: &'a Lan, held_down: &'a [LanLink]) -> Self {
        Self {
            me: me.to_owned(),
            lan,
            held_down,
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    fn of(&mut self, ip: IpAddr, desired: &'a DesiredIp) -> &Candidacy<'a> {
        let near = neighbourhood(ip, self.lan);
        let is_it = |it: &Candidacy<'_>| it.neighbourhood == near && *it.nodes == desired.nodes;
        let known = self.recent.iter().position(is_it);
        let known = known.and_then(|place| self.recent.remove(place));
        let candidacy = known.unwrap_or_else(|| self.compute(ip, desired, near));
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(candidacy);
        &self.recent[0]
    }

    fn compute(&self, ip: IpAddr, desired: &'a DesiredIp, near: Vec<bool>) -> Candidacy<'a> {
        let mut links = links_for(ip, &desired.nodes, self.lan);
        if let Some(own) = links.get_mut(&self.me) {
            own.retain(|index| self.held_down.iter().all(|held| held.index != *index));
            if own.is_empty() {
                links.remove(&self.me);
            }
        }
        Candidacy {
            nodes: &desired.nodes,
            neighbourhood: near,
            links: links.get(&self.me).cloned(),
            candidates: Arc::new(candidates(desired, |node| links.contains_key(node))),
        }
    }
}

/// The eligible nodes with a link for the IP, each with its preference. A node that is
/// being drained counts only where there is no other: while it is up, it is better
/// than no owner.
fn candidates(desired: &DesiredIp, has_link: impl Fn(&NodeName) -> bool) -> Candidates {
    let nodes_with = |allowed: fn(Option<&Ineligible>) -> bool| {
        let nodes = desired.nodes.iter();
        let nodes = nodes.filter(|(node, it)| allowed(it.ineligible.as_ref()) && has_link(node));
        nodes
            .map(|(node, it)| (node.clone(), it.score))
            .collect::<Candidates>()
    };
    let eligible = nodes_with(|reason| reason.is_none());
    if eligible.is_empty() {
        return nodes_with(|reason| matches!(reason, Some(Ineligible::Draining { .. })));
    }
    eligible
}

/// A node that is no longer a candidate goes on answering on the links that still have
/// carrier until its successor answers: make before break.
fn still_answered_on(ip: IpAddr, sources: &SnapshotSources<'_>) -> BTreeSet<u32> {
    let Some(before) = sources.answering.get(&ip) else {
        return BTreeSet::new();
    };
    let own = sources.own_links.iter().map(|link| link.index);
    own.filter(|index| before.contains(index)).collect()
}

fn members(me: &str, view: &View, own_links: &[LanLink]) -> (BTreeMap<NodeName, MemberState>, Lan) {
    let mut others = BTreeMap::new();
    let mut lan = BTreeMap::from([(me.to_owned(), own_links.to_vec())]);
    for (node, member) in view.members.iter().filter(|(node, _)| *node != me) {
        let (state, links) = gossip_keys::read(&member.state, member.alive);
        others.insert(node.clone(), state);
        lan.insert(node.clone(), links);
    }
    (others, lan)
}

/// The links of dead nodes do not show where the LAN is now.
fn live(lan: &Lan, others: &BTreeMap<NodeName, MemberState>) -> Lan {
    let is_live = |node: &String| others.get(node).is_none_or(|other| other.alive);
    let links = lan.iter().filter(|(node, _)| is_live(node));
    links
        .map(|(node, links)| (node.clone(), links.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Snapshot, SnapshotSources, candidates, take_snapshot};
    use crate::eligibility::{
        DesiredIp, EligibilityByNode, Ineligible, Interfaces, NodeEligibility,
    };
    use crate::gossip::View;
    use crate::host::interfaces::Patterns;
    use crate::layer2::links::LanLink;
    use ferrolb_core::mac::Mac;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));

    fn link(index: u32) -> LanLink {
        LanLink {
            index,
            name: format!("eth{index}"),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            subnets: vec!["192.0.2.9/24".parse().unwrap()],
        }
    }

    /// Node `a` alone, with these links, after it answered for the IP on eth2.
    fn after_answering(node: Option<NodeEligibility>, links: &[LanLink]) -> Snapshot {
        let nodes = node.map(|node| ("a".to_owned(), node));
        let desired = DesiredIp {
            nodes: nodes.into_iter().collect(),
            no_common_node: false,
        };
        let sources = SnapshotSources {
            own_links: links,
            held_down_links: &[],
            desired: &BTreeMap::from([(IP, desired.into())]),
            answering: &BTreeMap::from([(IP, BTreeSet::from([2]))]),
            draining: false,
        };
        take_snapshot("a", &View::default(), &sources)
    }

    fn on(interface: &str) -> NodeEligibility {
        NodeEligibility {
            interfaces: Interfaces::named(Patterns::new([interface.to_owned()])),
            score: 5,
            ineligible: None,
        }
    }

    #[test]
    fn a_candidate_is_eligible_and_has_a_link() {
        let snapshot = after_answering(Some(on("eth2")), &[link(2), link(3)]);
        let preferred = BTreeMap::from([("a".to_owned(), 5)]);
        assert_eq!(*snapshot.input.candidates[&IP], preferred);
        assert_eq!(snapshot.links[&IP], BTreeSet::from([2]));
        let elsewhere = after_answering(Some(on("wan0")), &[link(2), link(3)]);
        assert!(elsewhere.input.candidates[&IP].is_empty());
    }

    #[test]
    fn ips_on_other_subnets_have_other_candidates_though_the_same_nodes_are_eligible() {
        let far: IpAddr = "198.51.100.7".parse().unwrap();
        let elsewhere = LanLink {
            subnets: vec!["198.51.100.9/24".parse().unwrap()],
            ..link(3)
        };
        let any = DesiredIp {
            nodes: EligibilityByNode::from([("a".to_owned(), NodeEligibility::default())]),
            no_common_node: false,
        };
        let sources = SnapshotSources {
            own_links: &[link(2), elsewhere],
            held_down_links: &[],
            desired: &BTreeMap::from([IP, far].map(|ip| (ip, any.clone().into()))),
            answering: &BTreeMap::new(),
            draining: false,
        };
        let snapshot = take_snapshot("a", &View::default(), &sources);
        assert_eq!(snapshot.links[&IP], BTreeSet::from([2]));
        assert_eq!(snapshot.links[&far], BTreeSet::from([3]));
    }

    #[test]
    fn an_owner_that_is_no_longer_eligible_answers_until_its_successor_does() {
        let excluded = NodeEligibility {
            ineligible: Some(Ineligible::Excluded),
            ..on("eth2")
        };
        for node in [None, Some(excluded), Some(on("wan0"))] {
            let snapshot = after_answering(node, &[link(2), link(3)]);
            assert!(snapshot.input.candidates[&IP].is_empty());
            assert_eq!(snapshot.links[&IP], BTreeSet::from([2]));
            assert!(snapshot.input.reachable.contains(&IP));
        }
    }

    #[test]
    fn a_draining_node_is_better_than_no_node() {
        let draining = NodeEligibility {
            ineligible: Some(Ineligible::Draining {
                taint: "going".to_owned(),
            }),
            ..on("eth2")
        };
        let mut nodes = EligibilityByNode::from([("a".to_owned(), draining)]);
        let alone = among(&nodes);
        assert_eq!(alone.into_keys().collect::<Vec<_>>(), ["a"]);
        nodes.insert("b".to_owned(), on("eth2"));
        assert_eq!(among(&nodes).into_keys().collect::<Vec<_>>(), ["b"]);
    }

    /// The candidates where every node has a link.
    fn among(nodes: &EligibilityByNode) -> BTreeMap<String, u32> {
        let desired = DesiredIp {
            nodes: nodes.clone(),
            no_common_node: false,
        };
        candidates(&desired, |_| true)
    }

    #[test]
    fn a_node_does_not_answer_on_a_lost_link_even_if_it_has_another() {
        let snapshot = after_answering(Some(on("eth2")), &[link(3)]);
        assert!(snapshot.links.is_empty() && snapshot.input.reachable.is_empty());
    }
}
