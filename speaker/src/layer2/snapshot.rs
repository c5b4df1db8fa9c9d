//! Brings together what the API server wants, what gossip says and which links
//! there are, into the facts on which ownership is decided. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::key::NodeName;

use crate::eligibility::{DesiredIp, EligibilityByNode, Ineligible};
use crate::gossip::View;
use crate::layer2::election::{Candidates, ElectionInput, MemberState};
use crate::layer2::gossip_keys;
use crate::layer2::links::{Lan, LanLink, links_for, neighbourhood};

/// The facts, and each wanted IP's links on this node.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What ownership is decided on.
    pub input: ElectionInput,
    /// The links on which this node may answer for an IP.
    pub links: BTreeMap<IpAddr, BTreeSet<u32>>,
    /// Every member's links, those of the dead included.
    pub lan: Lan,
}

/// What a survey looks at besides the membership.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotSources<'a> {
    /// This node's suitable links with carrier.
    pub own_links: &'a [LanLink],
    /// Its links that lost their carrier: they tell where the LAN is, as those
    /// in use do, but nothing is announced on them.
    pub lost_links: &'a [LanLink],
    /// What Services want announced, and who may.
    pub wanted: &'a BTreeMap<IpAddr, DesiredIp>,
    /// The IPs this node answers for, and on which links.
    pub answering: &'a BTreeMap<IpAddr, BTreeSet<u32>>,
    /// This node is leaving.
    pub draining: bool,
}

/// Surveys the situation of node `me`.
#[must_use]
pub fn take_snapshot(me: &str, view: &View, sources: &SnapshotSources<'_>) -> Snapshot {
    let (others, lan) = members(me, view, sources.own_links);
    let mut live_lan = live(&lan, &others);
    if let Some(own) = live_lan.get_mut(me) {
        own.extend_from_slice(sources.lost_links);
    }
    let mut reaches = Reaches::new(me, &live_lan, sources.lost_links);
    let mut snapshot = Snapshot::default();
    for (ip, wanted) in sources.wanted {
        let reach = reaches.of(*ip, wanted);
        let links = reach.links.clone();
        let links = links.unwrap_or_else(|| still_answered_on(*ip, sources));
        if !links.is_empty() {
            snapshot.input.reachable.insert(*ip);
            snapshot.links.insert(*ip, links);
        }
        let candidates = Arc::clone(&reach.candidates);
        snapshot.input.candidates.insert(*ip, candidates);
    }
    snapshot.lan = lan;
    snapshot.input.others = others;
    snapshot.input.draining = sources.draining;
    snapshot
}

/// How many reaches are remembered: most IPs have the same.
const RECENT: usize = 8;

/// Who can announce an IP, and where this node can.
struct Reach<'a> {
    grants: &'a EligibilityByNode,
    neighbourhood: Vec<bool>,
    links: Option<BTreeSet<u32>>,
    candidates: Arc<Candidates>,
}

/// Works out reaches, the same ones once.
struct Reaches<'a> {
    me: NodeName,
    lan: &'a Lan,
    lost: &'a [LanLink],
    /// The last first.
    recent: VecDeque<Reach<'a>>,
}

impl<'a> Reaches<'a> {
    fn new(me: &str, lan: &'a Lan, lost: &'a [LanLink]) -> Self {
        Self {
            me: me.to_owned(),
            lan,
            lost,
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    fn of(&mut self, ip: IpAddr, wanted: &'a DesiredIp) -> &Reach<'a> {
        let near = neighbourhood(ip, self.lan);
        let is_it = |it: &Reach<'_>| it.neighbourhood == near && *it.grants == wanted.nodes;
        let reach = match self.recent.iter().position(is_it) {
            Some(place) => self.recent.remove(place),
            None => None,
        };
        let reach = reach.unwrap_or_else(|| self.work_out(ip, wanted, near));
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(reach);
        &self.recent[0]
    }

    fn work_out(&self, ip: IpAddr, wanted: &'a DesiredIp, neighbourhood: Vec<bool>) -> Reach<'a> {
        let mut reach = links_for(ip, &wanted.nodes, self.lan);
        if let Some(links) = reach.get_mut(&self.me) {
            links.retain(|index| self.lost.iter().all(|lost| lost.index != *index));
            if links.is_empty() {
                reach.remove(&self.me);
            }
        }
        Reach {
            grants: &wanted.nodes,
            neighbourhood,
            links: reach.get(&self.me).cloned(),
            candidates: Arc::new(candidates(wanted, |node| reach.contains_key(node))),
        }
    }
}

/// The able nodes that may announce, each with how much it is preferred. One
/// that is being emptied counts only where there is no other: as long as it is
/// there, it is better than nobody.
fn candidates(wanted: &DesiredIp, able: impl Fn(&NodeName) -> bool) -> Candidates {
    let barred_by = |bar: fn(Option<&Ineligible>) -> bool| {
        let grants = wanted.nodes.iter();
        let open = grants.filter(|(node, grant)| bar(grant.ineligible.as_ref()) && able(node));
        open.map(|(node, grant)| (node.clone(), grant.score))
            .collect::<Candidates>()
    };
    let free = barred_by(|bar| bar.is_none());
    if free.is_empty() {
        return barred_by(|bar| matches!(bar, Some(Ineligible::Draining { .. })));
    }
    free
}

/// A node that is no longer admitted answers where it did, while those links
/// have carrier, until its heir does: make before break.
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

/// The links of dead nodes say nothing about where the LAN is now.
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
    fn after_answering(grant: Option<NodeEligibility>, links: &[LanLink]) -> Snapshot {
        let grants = grant.map(|grant| ("a".to_owned(), grant));
        let wanted = DesiredIp {
            nodes: grants.into_iter().collect(),
            no_common_node: false,
        };
        let sources = SnapshotSources {
            own_links: links,
            lost_links: &[],
            wanted: &BTreeMap::from([(IP, wanted)]),
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
    fn a_candidate_is_admitted_and_has_a_link() {
        let snapshot = after_answering(Some(on("eth2")), &[link(2), link(3)]);
        let preferred = BTreeMap::from([("a".to_owned(), 5)]);
        assert_eq!(*snapshot.input.candidates[&IP], preferred);
        assert_eq!(snapshot.links[&IP], BTreeSet::from([2]));
        let elsewhere = after_answering(Some(on("wan0")), &[link(2), link(3)]);
        assert!(elsewhere.input.candidates[&IP].is_empty());
    }

    #[test]
    fn ips_on_other_subnets_have_another_reach_though_the_same_nodes_may() {
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
            lost_links: &[],
            wanted: &BTreeMap::from([IP, far].map(|ip| (ip, any.clone()))),
            answering: &BTreeMap::new(),
            draining: false,
        };
        let snapshot = take_snapshot("a", &View::default(), &sources);
        assert_eq!(snapshot.links[&IP], BTreeSet::from([2]));
        assert_eq!(snapshot.links[&far], BTreeSet::from([3]));
    }

    #[test]
    fn an_owner_that_is_barred_or_not_admitted_answers_on_until_its_heir_does() {
        let barred = NodeEligibility {
            ineligible: Some(Ineligible::Excluded),
            ..on("eth2")
        };
        for grant in [None, Some(barred), Some(on("wan0"))] {
            let snapshot = after_answering(grant, &[link(2), link(3)]);
            assert!(snapshot.input.candidates[&IP].is_empty());
            assert_eq!(snapshot.links[&IP], BTreeSet::from([2]));
            assert!(snapshot.input.reachable.contains(&IP));
        }
    }

    #[test]
    fn a_node_that_is_being_emptied_is_better_than_nobody() {
        let emptied = NodeEligibility {
            ineligible: Some(Ineligible::Draining {
                taint: "going".to_owned(),
            }),
            ..on("eth2")
        };
        let mut grants = EligibilityByNode::from([("a".to_owned(), emptied)]);
        let alone = among(&grants);
        assert_eq!(alone.into_keys().collect::<Vec<_>>(), ["a"]);
        grants.insert("b".to_owned(), on("eth2"));
        assert_eq!(among(&grants).into_keys().collect::<Vec<_>>(), ["b"]);
    }

    /// The candidates where every node has a link.
    fn among(grants: &EligibilityByNode) -> BTreeMap<String, u32> {
        let wanted = DesiredIp {
            nodes: grants.clone(),
            no_common_node: false,
        };
        candidates(&wanted, |_| true)
    }

    #[test]
    fn a_link_that_is_gone_is_not_answered_on_even_if_another_is_there() {
        let snapshot = after_answering(Some(on("eth2")), &[link(3)]);
        assert!(snapshot.links.is_empty() && snapshot.input.reachable.is_empty());
    }
}
