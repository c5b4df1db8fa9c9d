//! Claims about who is a candidate for an IP.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ferrolb_core::config::Config;

use super::{
    Eligibility, Endpoint, Ineligible, NodeFilter, NodeView, ObjectKey, ServiceView, SliceView,
};

mod advertisements;

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
        uid: String::new(),
        labels: [("app".to_owned(), name.to_owned())].into(),
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

/// A Node that carries its name as a label too.
fn node(name: &str) -> NodeView {
    NodeView {
        name: name.to_owned(),
        labels: [("name".to_owned(), name.to_owned())].into(),
        taints: BTreeSet::new(),
        network_unavailable: false,
    }
}

/// Three nodes and a pool that covers the IP; `advertisements` is YAML, the list of
/// advertisements, or empty.
fn three_nodes_with(filter: NodeFilter, advertisements: &str) -> Eligibility {
    let mut eligibility = Eligibility::new(filter);
    let pools = "pools: [{name: lan, addresses: [192.0.2.0/28, 2001:db8::/120]}]";
    let config = Config::from_yaml(&format!("{pools}\n{advertisements}")).unwrap();
    eligibility.configure(config);
    eligibility.reset_nodes(vec![node("a"), node("b"), node("c")]);
    eligibility
}

fn three_nodes() -> Eligibility {
    three_nodes_with(NodeFilter::default(), "")
}

fn candidates(eligibility: &mut Eligibility) -> Vec<String> {
    eligibility.desired()[&IP].eligible().cloned().collect()
}

#[test]
fn with_policy_cluster_any_node_may_announce_if_one_endpoint_serves() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", false));
    eligibility.apply_slice(slice("web", &["b"]));
    assert_eq!(candidates(&mut eligibility), ["a", "b", "c"]);
}

#[test]
fn without_a_serving_endpoint_no_node_may_announce() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", false));
    eligibility.apply_slice(slice("web", &[]));
    assert!(candidates(&mut eligibility).is_empty());
}

#[test]
fn with_policy_local_only_nodes_with_an_endpoint_may_announce() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", true));
    eligibility.apply_slice(slice("web", &["a", "c"]));
    assert_eq!(candidates(&mut eligibility), ["a", "c"]);
}

#[test]
fn endpoints_of_the_other_family_do_not_count() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", false));
    eligibility.apply_slice(SliceView {
        ipv6: true,
        ..slice("web", &["a"])
    });
    assert!(candidates(&mut eligibility).is_empty());
}

#[test]
fn each_reason_of_a_node_is_named() {
    let label = "node.kubernetes.io/exclude-from-external-load-balancers";
    let excluded = NodeView {
        labels: [(label.to_owned(), String::new())].into(),
        ..node("a")
    };
    let unavailable = NodeView {
        network_unavailable: true,
        ..node("b")
    };
    let drained = NodeView {
        taints: ["going".to_owned(), "cordoned".to_owned()].into(),
        ..node("c")
    };
    let filter = |ignore_exclude_label| NodeFilter {
        drain_taints: ["going".to_owned()].into(),
        ignore_exclude_label,
    };
    for ignore in [false, true] {
        let mut eligibility = three_nodes_with(filter(ignore), "");
        eligibility.apply_service(service("web", false));
        eligibility.apply_slice(slice("web", &["a"]));
        for view in [&excluded, &unavailable, &drained] {
            eligibility.apply_node(view.clone());
        }
        let nodes = &eligibility.desired()[&IP].nodes;
        assert_eq!(
            nodes["a"].ineligible,
            (!ignore).then_some(Ineligible::Excluded)
        );
        assert_eq!(nodes["b"].ineligible, Some(Ineligible::NetworkUnavailable));
        assert_eq!(
            nodes["c"].ineligible,
            Some(Ineligible::Draining {
                taint: "going".to_owned()
            })
        );
    }
}

#[test]
fn a_node_whose_object_is_deleted_may_not_announce() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", false));
    eligibility.apply_slice(slice("web", &["a"]));
    assert_eq!(candidates(&mut eligibility), ["a", "b", "c"]);
    eligibility.delete_node("b");
    assert_eq!(candidates(&mut eligibility), ["a", "c"]);
}

#[test]
fn services_sharing_an_ip_need_a_node_that_serves_both() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", true));
    eligibility.apply_service(service("dns", true));
    eligibility.apply_slice(slice("web", &["a", "b"]));
    eligibility.apply_slice(slice("dns", &["b", "c"]));
    assert_eq!(candidates(&mut eligibility), ["b"]);
}

#[test]
fn a_deleted_service_is_no_longer_announced() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", false));
    eligibility.delete_service(&key("web"));
    assert!(eligibility.desired().is_empty());
}

#[test]
fn a_changed_ip_replaces_the_old_one() {
    let mut eligibility = three_nodes();
    eligibility.apply_service(service("web", false));
    let other: IpAddr = "192.0.2.2".parse().unwrap();
    eligibility.apply_service(ServiceView {
        ips: vec![other],
        ..service("web", false)
    });
    let desired: BTreeSet<IpAddr> = eligibility.desired().keys().copied().collect();
    assert_eq!(desired, BTreeSet::from([other]));
}
