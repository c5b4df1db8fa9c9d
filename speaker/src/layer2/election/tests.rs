//! Claims about the decisions of one node, one situation each.

mod foreign_hosts;
mod probing;
mod spread;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{
    Action, Candidates, Cause, Election, ElectionInput, ElectionView, FLAP_LIMIT, LanState,
    MemberState, Reachability, Timing, rank,
};
use ferrolb_core::key::NodeName;
use ferrolb_core::mac::Mac;

const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FOREIGN_MAC: Mac = Mac([2, 0, 0, 0, 0, 99]);
const MAC_OF_B: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn nodes<const N: usize>(names: [&str; N]) -> Arc<Candidates> {
    Arc::new(names.map(|name| (name.to_owned(), 0)).into())
}

/// Node `a`, and node `b` as it sees it.
struct World {
    me: NodeName,
    election: Election,
    input: ElectionInput,
    lan: LanState,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let b = MemberState {
            alive: true,
            macs: BTreeSet::from([MAC_OF_B]),
            ..MemberState::default()
        };
        let input = ElectionInput {
            others: BTreeMap::from([("b".to_owned(), b)]),
            candidates: BTreeMap::from([(IP, nodes(["a", "b"]))]),
            reachable: BTreeSet::from([IP]),
            ..ElectionInput::default()
        };
        Self {
            me: "a".to_owned(),
            election: Election::new("a".to_owned(), Timing::default()),
            input,
            lan: LanState::default(),
            now: Instant::now(),
        }
    }

    fn candidates(&mut self) -> &mut Candidates {
        Arc::make_mut(self.input.candidates.get_mut(&IP).unwrap())
    }

    /// Node `a` owns the IP with epoch 1.
    fn owning() -> Self {
        let mut world = Self::new();
        world.input.candidates.insert(IP, nodes(["a"]));
        world.step();
        world.pass(Timing::default().initial_probe);
        assert!(world.owns());
        world.input.candidates.insert(IP, nodes(["a", "b"]));
        world
    }

    /// Node `b` owns the IP with epoch 7.
    fn owned_by_b() -> Self {
        let mut world = Self::new();
        world.b().claims.insert(IP, 7);
        assert_eq!(world.step(), []);
        world
    }

    fn b(&mut self) -> &mut MemberState {
        self.input.others.get_mut("b").unwrap()
    }

    fn step(&mut self) -> Vec<Action> {
        let own = self.election.claims().count();
        let mut view = ElectionView::new(&self.me, &self.input, &self.lan, own);
        self.election.step(&mut view, self.now)
    }

    fn pass(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.step()
    }

    fn claim_seen(&mut self, mac: Mac) -> Vec<Action> {
        self.election.claim_seen(IP, mac, &self.input, self.now)
    }

    /// The reachability of `b` from now on.
    fn see_b(&mut self, reachability: Reachability) {
        let own = self.election.claims().count();
        let view = ElectionView::new(&self.me, &self.input, &self.lan, own);
        self.election.plan(&view);
        self.lan.reachability.insert("b".to_owned(), reachability);
    }

    fn owns(&self) -> bool {
        self.election.answering().any(|ip| ip == IP)
    }
}

#[test]
fn a_suspects_ip_is_taken_only_after_probing() {
    let mut world = World::owned_by_b();
    world.b().alive = false;
    let probed = world.step();
    assert!(matches!(probed[..], [Action::Probe { ip: IP, .. }]));
    assert!(!world.owns());
    let taken = world.pass(Timing::default().probe_time);
    let expected = Action::TakeOver {
        ip: IP,
        epoch: 8,
        cause: Cause::Failover,
        from: Some("b".to_owned()),
    };
    assert_eq!(taken, [expected]);
    assert!(world.owns());
}

#[test]
fn a_suspect_that_answers_on_the_lan_keeps_its_ip() {
    let mut world = World::owned_by_b();
    world.b().alive = false;
    world.step();
    assert_eq!(world.claim_seen(MAC_OF_B), []);
    assert_eq!(world.pass(Timing::default().probe_time), []);
    assert!(!world.owns());
    let later = world.pass(Timing::default().retry_delay);
    assert!(
        matches!(later[..], [Action::Probe { .. }]),
        "probes again: {later:?}"
    );
}

#[test]
fn a_higher_claim_makes_the_owner_withdraw() {
    let mut world = World::owning();
    world.b().claims.insert(IP, 2);
    let to = Some("b".to_owned());
    assert_eq!(world.step(), [Action::Withdraw { ip: IP, to }]);
    assert!(!world.owns());
}

#[test]
fn a_lower_claim_is_answered_by_announcing_again_and_once_more_when_it_is_gone() {
    let mut world = World::owning();
    world.b().claims.insert(IP, 0);
    assert_eq!(world.step(), [Action::Announce { ip: IP }]);
    assert_eq!(world.step(), []);
    world.b().claims.clear();
    assert_eq!(world.step(), [Action::Announce { ip: IP }]);
    assert!(world.owns());
}

#[test]
fn an_owner_announces_again_when_a_member_returns_that_may_have_owned_the_ip_too() {
    let mut world = World::owning();
    world.b().alive = false;
    assert_eq!(world.step(), []);
    world.b().alive = true;
    assert_eq!(world.step(), [Action::Announce { ip: IP }]);
    assert_eq!(world.step(), []);
}

#[test]
fn a_draining_owner_answers_until_its_successor_has_claimed() {
    let mut world = World::owning();
    world.input.draining = true;
    assert_eq!(world.step(), []);
    assert!(world.owns());
    world.b().claims.insert(IP, 2);
    world.step();
    assert!(!world.owns());
}

#[test]
fn the_successor_of_a_draining_owner_does_not_probe() {
    let mut world = World::owned_by_b();
    world.b().draining = true;
    let taken = world.step();
    assert!(
        matches!(
            taken[..],
            [Action::TakeOver {
                epoch: 8,
                cause: Cause::HandOver,
                ..
            }]
        ),
        "{taken:?}"
    );
}

#[test]
fn no_node_waits_for_one_that_is_only_starting() {
    let mut world = World::new();
    world.me = "c".to_owned();
    world.election = Election::new("c".to_owned(), Timing::default());
    world.input.candidates.insert(IP, nodes(["b", "c"]));
    assert!(rank(IP, "b") > rank(IP, "c"), "b would come first");
    world.b().starting = true;
    assert!(matches!(world.step()[..], [Action::Probe { .. }]));
}

#[test]
fn a_node_that_no_longer_comes_first_stops_probing() {
    let mut world = World::new();
    world.me = "c".to_owned();
    world.election = Election::new("c".to_owned(), Timing::default());
    world.input.candidates.insert(IP, nodes(["b", "c"]));
    world.b().starting = true;
    world.step();
    world.b().starting = false;
    assert_eq!(world.pass(Timing::default().initial_probe), []);
    let later = world.pass(Timing::default().rank_backoff);
    assert!(matches!(later[..], [Action::Probe { .. }]), "{later:?}");
}

#[test]
fn an_ip_without_an_eligible_node_is_withdrawn() {
    let mut world = World::owning();
    world.input.candidates.insert(IP, Arc::default());
    assert_eq!(world.step(), [Action::Withdraw { ip: IP, to: None }]);
}

#[test]
fn a_deleted_ip_is_withdrawn() {
    let mut world = World::owning();
    world.input.candidates.clear();
    assert_eq!(world.step(), [Action::Withdraw { ip: IP, to: None }]);
    assert_eq!(world.election.next_timeout(), None);
}

#[test]
fn losing_carrier_ends_ownership_at_once() {
    let mut world = World::owning();
    world.input.reachable.clear();
    assert_eq!(world.step(), [Action::Withdraw { ip: IP, to: None }]);
}

#[test]
fn after_a_stall_the_owner_is_mute_until_it_has_probed() {
    let mut world = World::owning();
    let probed = world.election.verify(world.now);
    assert!(matches!(probed[..], [Action::Probe { .. }]));
    assert!(!world.owns());
    assert_eq!(
        world.pass(Timing::default().probe_time),
        [Action::Announce { ip: IP }]
    );
    assert!(world.owns());
}

#[test]
fn after_a_stall_an_ip_that_another_host_answers_for_is_withdrawn() {
    let mut world = World::owning();
    world.election.verify(world.now);
    assert_eq!(
        world.claim_seen(MAC_OF_B),
        [Action::Withdraw { ip: IP, to: None }]
    );
    assert!(world.election.claims().next().is_none());
}

#[test]
fn the_second_successor_acts_when_the_first_does_not() {
    let mut world = World::owned_by_b();
    world.candidates().insert("c".to_owned(), 0);
    let c = MemberState {
        alive: true,
        ..MemberState::default()
    };
    world.input.others.insert("c".to_owned(), c);
    world.b().alive = false;
    let first = rank(IP, "a") > super::rank(IP, "c");
    let begun = world.step();
    assert_eq!(matches!(begun[..], [Action::Probe { .. }]), first);
    world.pass(Timing::default().rank_backoff);
    world.pass(Timing::default().probe_time);
    assert!(world.owns());
}
