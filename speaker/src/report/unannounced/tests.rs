//! Claims about reasons, and about which speaker reports them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_core::ineligible::{Ineligible, Unannounced, UnannouncedReason};
use ferrolb_core::mac::Mac;

use super::{ReasonSources, Reporters, UnannouncedIps};
use crate::eligibility::{DesiredIp, DesiredIps, Interfaces, NodeEligibility};
use crate::gossip::{Member, View};
use crate::host::interfaces::Patterns;
use crate::layer2::gossip_keys;
use crate::layer2::links::LanLink;
use crate::layer2::snapshot::{Snapshot, SnapshotSources, take_snapshot};

const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));

fn link(name: &str, subnet: &str) -> LanLink {
    LanLink {
        index: 2,
        name: name.to_owned(),
        mac: Mac([2, 0, 0, 0, 0, 1]),
        subnets: vec![subnet.parse().unwrap()],
    }
}

fn near() -> LanLink {
    link("eth0", "192.0.2.9/24")
}

fn far() -> LanLink {
    link("eth0", "198.51.100.9/24")
}

/// A member with these links, and others that are down.
fn member(node: &str, alive: bool, links: &[LanLink], down: &[LanLink]) -> (String, Member) {
    let keys = [gossip_keys::links(links), gossip_keys::links_down(down)];
    let member = Member {
        node: node.to_owned(),
        generation: 1,
        addr: "192.0.2.1:7946".parse().unwrap(),
        alive,
        silent_since: None,
        state: keys
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect(),
    };
    (node.to_owned(), member)
}

/// Node `a`, other members, and the policy for one IP.
struct Scene {
    own_links: Vec<LanLink>,
    own_down: Vec<LanLink>,
    view: View,
    nodes: Vec<String>,
    desired: DesiredIps,
    draining: bool,
}

impl Scene {
    /// Nodes `a` and `b`, both selected; `b` is such a member.
    fn new(own_links: &[LanLink], b: (String, Member)) -> Self {
        let nodes = ["a", "b"].map(str::to_owned);
        let selected = nodes.clone().map(|node| (node, NodeEligibility::default()));
        let desired = DesiredIp {
            nodes: selected.into(),
            no_common_node: false,
        };
        Self {
            own_links: own_links.to_vec(),
            own_down: Vec::new(),
            view: View {
                members: [b].into(),
            },
            nodes: nodes.into(),
            desired: [(IP, desired.into())].into(),
            draining: false,
        }
    }

    fn policy(&mut self, node: &str) -> &mut NodeEligibility {
        self.desired_ip().nodes.get_mut(node).unwrap()
    }

    fn desired_ip(&mut self) -> &mut DesiredIp {
        Arc::make_mut(self.desired.get_mut(&IP).unwrap())
    }

    fn snapshot(&self) -> Snapshot {
        let sources = SnapshotSources {
            own_links: &self.own_links,
            held_down_links: &[],
            desired: &self.desired,
            answering: &BTreeMap::new(),
            draining: self.draining,
        };
        take_snapshot("a", &self.view, &sources)
    }

    fn with<R>(&self, look: impl FnOnce(&ReasonSources<'_>) -> R) -> R {
        let snapshot = self.snapshot();
        let down = self.own_down.clone();
        let nodes = self.nodes.iter();
        look(&ReasonSources::new("a", nodes, &snapshot, &self.view, down))
    }

    fn reasons(&self) -> BTreeMap<String, Ineligible> {
        self.with(|sources| sources.ineligible(IP, &self.desired[&IP]))
    }

    fn reported(&self, ips: &mut UnannouncedIps, now: Instant) -> Option<Unannounced> {
        let mut all = self.with(|sources| ips.update(&self.desired, sources, now));
        all.remove(&IP)
    }
}

fn only(node: &str, reason: Ineligible) -> BTreeMap<String, Ineligible> {
    [(node.to_owned(), reason)].into()
}

#[test]
fn a_candidate_has_no_reason() {
    let scene = Scene::new(&[near()], member("b", true, &[near()], &[]));
    assert!(scene.reasons().is_empty());
}

#[test]
fn a_reason_of_policy_counts_before_liveness_and_links() {
    let mut scene = Scene::new(&[near()], member("b", false, &[], &[]));
    scene.policy("b").ineligible = Some(Ineligible::Excluded);
    assert_eq!(scene.reasons(), only("b", Ineligible::Excluded));
}

#[test]
fn a_node_that_no_advertisement_selects_is_not_selected() {
    let mut scene = Scene::new(&[near()], member("b", true, &[near()], &[]));
    scene.desired_ip().nodes.remove("b");
    assert_eq!(scene.reasons(), only("b", Ineligible::NotSelected));
}

#[test]
fn a_member_without_a_node_object_is_named() {
    let mut scene = Scene::new(&[near()], member("b", true, &[near()], &[]));
    scene.desired_ip().nodes.remove("b");
    scene.nodes.pop();
    assert_eq!(scene.reasons(), only("b", Ineligible::NoNode));
}

#[test]
fn a_node_without_a_live_speaker_is_named() {
    let mut scene = Scene::new(&[near()], member("b", false, &[near()], &[]));
    assert_eq!(scene.reasons(), only("b", Ineligible::NoSpeaker));
    scene.view = View::default();
    assert_eq!(scene.reasons(), only("b", Ineligible::NoSpeaker));
}

#[test]
fn a_node_without_links_has_no_link() {
    let scene = Scene::new(&[near()], member("b", true, &[], &[]));
    assert_eq!(scene.reasons(), only("b", Ineligible::NoLink));
}

#[test]
fn a_node_elsewhere_is_not_in_the_subnet() {
    let scene = Scene::new(&[near()], member("b", true, &[far()], &[]));
    assert_eq!(scene.reasons(), only("b", Ineligible::NotInSubnet));
}

#[test]
fn a_node_without_a_selected_interface_is_named() {
    let mut scene = Scene::new(&[near()], member("b", true, &[near()], &[]));
    let other = Patterns::new(["wan*".to_owned()]);
    scene.policy("b").interfaces = Interfaces::named(other);
    assert_eq!(scene.reasons(), only("b", Ineligible::InterfaceNotSelected));
}

#[test]
fn a_link_in_the_subnet_that_is_down_is_the_reason() {
    let lost = link("eth1", "192.0.2.9/24");
    for links in [vec![], vec![far()]] {
        let down = std::slice::from_ref(&lost);
        let mut scene = Scene::new(&[near()], member("b", true, &links, down));
        assert_eq!(scene.reasons(), only("b", Ineligible::LinkDown));
        let other = Patterns::new(["wan*".to_owned()]);
        scene.policy("b").interfaces = Interfaces::named(other);
        assert_ne!(scene.reasons(), only("b", Ineligible::LinkDown));
    }
    let mut scene = Scene::new(&[], member("b", true, &[near()], &[]));
    scene.own_down = vec![lost];
    assert_eq!(scene.reasons(), only("a", Ineligible::LinkDown));
}

#[test]
fn an_ip_is_reported_after_a_delay_by_one_speaker_until_a_node_may_announce_it() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    // Alone, so that `a` is the one that reports.
    let mut scene = Scene::new(&[], member("b", false, &[], &[]));
    let mut ips = UnannouncedIps::default();
    assert_eq!(scene.reported(&mut ips, at(0)), None);
    assert_eq!(ips.next_report(at(0)), Some(at(3)));
    let reported = scene.reported(&mut ips, at(3)).unwrap();
    assert_eq!(reported.reason, UnannouncedReason::NoLink);
    let text = "no usable interface on a; no running speaker on b";
    assert_eq!(reported.to_string(), text);
    scene.own_links = vec![near()];
    assert_eq!(scene.reported(&mut ips, at(4)), None);
    assert_eq!(ips.next_report(at(4)), None);
    scene.own_links = vec![];
    assert_eq!(scene.reported(&mut ips, at(5)), None);
}

#[test]
fn a_speaker_that_leaves_reports_nothing() {
    let start = Instant::now();
    let mut scene = Scene::new(&[], member("b", false, &[], &[]));
    scene.draining = true;
    let mut ips = UnannouncedIps::default();
    scene.reported(&mut ips, start);
    let later = start + Duration::from_secs(9);
    assert_eq!(scene.reported(&mut ips, later), None);
}

#[test]
fn exactly_one_member_reports_each_ip_whoever_comes_and_goes() {
    let set =
        |names: &[&str]| -> BTreeSet<String> { names.iter().map(|it| (*it).to_owned()).collect() };
    let memberships = [
        set(&["a", "b", "c"]),
        set(&["a", "c"]),
        set(&["a", "b", "c", "d"]),
        set(&["d"]),
        set(&[]),
    ];
    let mut kept = Reporters::default();
    for members in memberships {
        kept.set_members(members.clone());
        let mut fresh = Reporters::default();
        fresh.set_members(members.clone());
        for last in 0..50 {
            let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
            let first = kept.first_for(ip).map(str::to_owned);
            assert_eq!(first.as_deref(), fresh.first_for(ip));
            assert_eq!(first.is_some(), !members.is_empty());
            assert!(first.is_none_or(|first| members.contains(&first)));
        }
    }
}
