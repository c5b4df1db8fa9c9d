//! Claims about who is a candidate for an IP.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Demand, Endpoint, NodeView, ObjectKey, ServiceView, SliceView};

const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn key(name: &str) -> ObjectKey {
    ObjectKey {
        namespace: "default".to_owned(),
        name: name.to_owned(),
    }
}

fn service(name: &str, local: bool) -> ServiceView {
    ServiceView {
        key: key(name),
        ips: vec![IP],
        local,
    }
}

fn slice(service: &str, nodes: &[&str]) -> SliceView {
    let endpoint = |node: &&str| Endpoint {
        node: Some((*node).to_owned()),
    };
    SliceView {
        key: key(&format!("{service}-slice")),
        service: key(service),
        ipv6: false,
        serving: nodes.iter().map(endpoint).collect(),
    }
}

fn node(name: &str) -> NodeView {
    NodeView {
        name: name.to_owned(),
        excluded: false,
        network_unavailable: false,
    }
}

fn three_nodes() -> Demand {
    let mut demand = Demand::default();
    demand.reset_nodes(vec![node("a"), node("b"), node("c")]);
    demand
}

fn candidates(demand: &Demand) -> Vec<String> {
    demand.candidates()[&IP].iter().cloned().collect()
}

#[test]
fn with_policy_cluster_any_node_may_announce_if_one_endpoint_serves() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", false));
    demand.apply_slice(slice("web", &["b"]));
    assert_eq!(candidates(&demand), ["a", "b", "c"]);
}

#[test]
fn without_a_serving_endpoint_nobody_may_announce() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", false));
    demand.apply_slice(slice("web", &[]));
    assert!(candidates(&demand).is_empty());
}

#[test]
fn with_policy_local_only_nodes_with_an_endpoint_may_announce() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", true));
    demand.apply_slice(slice("web", &["a", "c"]));
    assert_eq!(candidates(&demand), ["a", "c"]);
}

#[test]
fn endpoints_of_the_other_family_do_not_count() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", false));
    demand.apply_slice(SliceView {
        ipv6: true,
        ..slice("web", &["a"])
    });
    assert!(candidates(&demand).is_empty());
}

#[test]
fn excluded_and_unavailable_nodes_may_not_announce() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", false));
    demand.apply_slice(slice("web", &["a"]));
    demand.apply_node(NodeView {
        excluded: true,
        ..node("a")
    });
    demand.apply_node(NodeView {
        network_unavailable: true,
        ..node("b")
    });
    assert_eq!(candidates(&demand), ["c"]);
}

#[test]
fn services_sharing_an_ip_need_a_node_that_serves_both() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", true));
    demand.apply_service(service("dns", true));
    demand.apply_slice(slice("web", &["a", "b"]));
    demand.apply_slice(slice("dns", &["b", "c"]));
    assert_eq!(candidates(&demand), ["b"]);
}

#[test]
fn a_deleted_service_is_no_longer_wanted() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", false));
    demand.delete_service(&key("web"));
    assert!(demand.candidates().is_empty());
}

#[test]
fn a_changed_ip_replaces_the_old_one() {
    let mut demand = three_nodes();
    demand.apply_service(service("web", false));
    let other: IpAddr = "192.0.2.2".parse().unwrap();
    demand.apply_service(ServiceView {
        ips: vec![other],
        ..service("web", false)
    });
    let wanted: BTreeSet<IpAddr> = demand.candidates().into_keys().collect();
    assert_eq!(wanted, BTreeSet::from([other]));
}
