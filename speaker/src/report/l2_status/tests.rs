//! Claims about what a node reports of Services.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::{L2StatusInputs, L2Statuses, PreviousOwners, SupersededStatus, l2_statuses, name};
use crate::layer2::election::{Action, Cause};
use crate::layer2::links::LanLink;
use ferrolb_core::ineligible::Unannounced;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::mac::Mac;

const MAC: Mac = Mac([2, 0, 0, 0, 0, 9]);

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

fn key(name: &str) -> ObjectKey {
    ObjectKey {
        namespace: "default".to_owned(),
        name: name.to_owned(),
    }
}

fn link(index: u32) -> LanLink {
    LanLink {
        index,
        name: format!("eth{index}"),
        mac: MAC,
        subnets: Vec::new(),
    }
}

/// `web` holds .1 and .2, `dns` shares .2, `mail` holds .3.
fn services(of: IpAddr) -> Vec<ObjectKey> {
    let holders: [(u8, &[&str]); 3] = [(1, &["web"]), (2, &["web", "dns"]), (3, &["mail"])];
    let holder = holders.iter().find(|(last, _)| ip(*last) == of);
    holder.map_or(Vec::new(), |(_, names)| {
        names.iter().map(|name| key(name)).collect()
    })
}

/// Node `a` answers for these IPs on eth2, and saw other hosts use those.
fn said(answering: &[u8], conflicts: &[u8], previous_owners: &PreviousOwners) -> L2Statuses {
    let answering = answering.iter();
    let claims = answering.clone().map(|last| (ip(*last), 7)).collect();
    let inputs = L2StatusInputs {
        node: "a",
        answering: &answering
            .map(|last| (ip(*last), BTreeSet::from([2])))
            .collect(),
        claims: &claims,
        conflicts: &conflicts.iter().map(|last| (ip(*last), MAC)).collect(),
        links: &[link(2), link(3)],
        unannounced: &BTreeMap::new(),
        previous_owners,
    };
    l2_statuses(&inputs, services)
}

#[test]
fn an_ip_without_an_eligible_node_is_reported_for_each_of_its_services() {
    let why = Unannounced::new(&BTreeMap::new(), true);
    let inputs = L2StatusInputs {
        node: "a",
        answering: &BTreeMap::new(),
        claims: &BTreeMap::new(),
        conflicts: &BTreeMap::new(),
        unannounced: &BTreeMap::from([(ip(2), why.clone())]),
        links: &[],
        previous_owners: &PreviousOwners::default(),
    };
    let statuses = l2_statuses(&inputs, services);
    for service in ["web", "dns"] {
        let status = &statuses.own[&name(&key(service), "a")];
        assert_eq!(status.unannounced, BTreeMap::from([(ip(2), why.clone())]));
        assert!(status.announces.is_empty());
    }
}

fn takes_over(cause: Cause) -> Action {
    Action::TakeOver {
        ip: ip(1),
        epoch: 7,
        cause,
        from: Some("b".to_owned()),
    }
}

#[test]
fn each_service_has_one_object_with_its_own_ips() {
    let said = said(&[1, 2], &[], &PreviousOwners::default());
    let web = &said.own[&name(&key("web"), "a")];
    assert_eq!(web.announces, BTreeMap::from([(ip(1), 7), (ip(2), 7)]));
    assert_eq!(web.interfaces, BTreeSet::from(["eth2".to_owned()]));
    let dns = &said.own[&name(&key("dns"), "a")];
    assert_eq!(dns.announces, BTreeMap::from([(ip(2), 7)]));
    assert_eq!(said.own.len(), 2);
}

#[test]
fn another_host_is_named_without_claiming_to_announce() {
    let said = said(&[], &[3], &PreviousOwners::default());
    let mail = &said.own[&name(&key("mail"), "a")];
    assert_eq!(mail.conflicts, BTreeMap::from([(ip(3), MAC)]));
    assert!(mail.announces.is_empty() && mail.interfaces.is_empty());
}

#[test]
fn an_ip_without_a_service_is_not_reported() {
    assert_eq!(
        said(&[9], &[8], &PreviousOwners::default()),
        L2Statuses::default()
    );
}

#[test]
fn the_status_of_a_dead_owner_is_removed_while_its_ip_is_held() {
    let mut previous_owners = PreviousOwners::default();
    previous_owners.note(&takes_over(Cause::Failover));
    let superseded = SupersededStatus {
        ip: ip(1),
        epoch: 7,
    };
    let expected = BTreeMap::from([(name(&key("web"), "b"), superseded)]);
    assert_eq!(said(&[1, 2], &[], &previous_owners).superseded, expected);
    assert!(said(&[2], &[], &previous_owners).superseded.is_empty());
}

#[test]
fn the_status_of_a_live_owner_is_left_alone() {
    let mut previous_owners = PreviousOwners::default();
    previous_owners.note(&takes_over(Cause::Failover));
    previous_owners.note(&takes_over(Cause::HandOver));
    assert!(said(&[1], &[], &previous_owners).superseded.is_empty());
    previous_owners.note(&takes_over(Cause::Failover));
    let withdraw = Action::Withdraw {
        ip: ip(1),
        to: None,
    };
    previous_owners.note(&withdraw);
    assert!(said(&[1], &[], &previous_owners).superseded.is_empty());
}

#[test]
fn names_are_labels_and_part_of_the_protocol() {
    let long = "n".repeat(253);
    for node in ["a", &long] {
        let name = name(&key("web"), node);
        assert!(name.len() <= 63 && name.starts_with("l2-"), "{name}");
    }
    // Computed by `printf 'default/web/a' | sha256sum`.
    assert_eq!(name(&key("web"), "a"), format!("l2-{HASH}"));
}

const HASH: &str = "9ec703cc94b1f7107a9bcfbabe743826";
