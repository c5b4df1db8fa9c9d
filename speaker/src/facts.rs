//! Brings together what the API server wants, what gossip says and which links
//! there are, into the facts on which ownership is decided. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::gossip::View;
use crate::ownership::{Facts, Node, Standing};
use crate::reach::{LanLink, links_for};
use crate::said;

/// The facts, and each wanted IP's links on this node.
#[derive(Debug, Default)]
pub struct Survey {
    /// What ownership is decided on.
    pub facts: Facts,
    /// The links on which this node may answer for an IP.
    pub links: BTreeMap<IpAddr, BTreeSet<u32>>,
}

/// Surveys the situation of node `me`.
#[must_use]
pub fn survey(
    me: &str,
    view: &View,
    own_links: &[LanLink],
    wanted: &BTreeMap<IpAddr, BTreeSet<Node>>,
    draining: bool,
) -> Survey {
    let (others, lan) = members(me, view, own_links);
    let live_lan = live(&lan, &others);
    let mut survey = Survey::default();
    for (ip, nodes) in wanted {
        let links = links_for(*ip, me, &live_lan);
        if !links.is_empty() {
            survey.facts.reachable.insert(*ip);
            survey.links.insert(*ip, links);
        }
        let fit = |node: &&Node| !links_for(*ip, node, &live_lan).is_empty();
        let candidates = nodes
            .iter()
            .filter(fit)
            .map(|node| (node.clone(), 0))
            .collect();
        survey.facts.candidates.insert(*ip, candidates);
    }
    survey.facts.others = others;
    survey.facts.draining = draining;
    survey
}

type Lan = BTreeMap<Node, Vec<LanLink>>;

fn members(me: &str, view: &View, own_links: &[LanLink]) -> (BTreeMap<Node, Standing>, Lan) {
    let mut others = BTreeMap::new();
    let mut lan = BTreeMap::from([(me.to_owned(), own_links.to_vec())]);
    for (node, member) in view.members.iter().filter(|(node, _)| *node != me) {
        let (standing, links) = said::read(&member.state, member.alive);
        others.insert(node.clone(), standing);
        lan.insert(node.clone(), links);
    }
    (others, lan)
}

/// The links of the dead say nothing about where the LAN is now.
fn live(lan: &Lan, others: &BTreeMap<Node, Standing>) -> Lan {
    let is_live = |node: &String| others.get(node).is_none_or(|other| other.alive);
    let links = lan.iter().filter(|(node, _)| is_live(node));
    links
        .map(|(node, links)| (node.clone(), links.clone()))
        .collect()
}
