//! Claims about what advertisements select: pools, nodes, interfaces, Services,
//! preferences, and what they mean for Services that share an IP.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ferrolb_core::config::Config;

use super::{IP, candidates, key, node, service, slice, three_nodes, three_nodes_with};
use crate::eligibility::{Eligibility, NodeFilter, NodeView, ServiceView};

/// Three nodes, these advertisements, and the Service `web` with an endpoint.
fn advertised(advertisements: &str) -> Eligibility {
    let mut eligibility = three_nodes_with(
        NodeFilter::default(),
        &format!("l2Advertisements: {advertisements}"),
    );
    eligibility.apply_service(service("web", false));
    eligibility.apply_slice(slice("web", &["a"]));
    eligibility
}

fn scores(eligibility: &mut Eligibility) -> BTreeMap<String, u32> {
    let nodes = eligibility.desired()[&IP].nodes.iter();
    nodes
        .map(|(node, of_node)| (node.clone(), of_node.score))
        .collect()
}

/// Of these interfaces, those on which the node may announce.
fn allowed(eligibility: &mut Eligibility, node: &str) -> Vec<&'static str> {
    let interfaces = &eligibility.desired()[&IP].nodes[node].interfaces;
    ["eth0", "eth1", "bond0"]
        .into_iter()
        .filter(|name| interfaces.allow(name))
        .collect()
}

#[test]
fn an_ip_in_no_pool_is_not_announced() {
    let mut eligibility = three_nodes();
    let others = ["192.0.2.16", "192.0.1.255", "2001:db8::1:0", "::1"];
    let ips: Vec<IpAddr> = others.map(|ip| ip.parse().unwrap()).into();
    eligibility.apply_service(ServiceView {
        ips: [&ips[..], &[IP]].concat(),
        ..service("web", false)
    });
    let desired: Vec<IpAddr> = eligibility.desired().keys().copied().collect();
    assert_eq!(desired, [IP]);
}

#[test]
fn nothing_is_announced_before_there_is_a_configuration() {
    let mut eligibility = Eligibility::default();
    eligibility.reset_nodes(vec![node("a")]);
    eligibility.apply_service(service("web", false));
    assert!(eligibility.desired().is_empty() && !eligibility.is_configured());
}

#[test]
fn a_new_configuration_is_active_at_once_and_an_equal_one_changes_nothing() {
    let mut eligibility = advertised("[{name: all}]");
    eligibility.desired();
    let config = |text| Config::from_yaml(text).unwrap();
    let elsewhere = config("pools: [{name: lan, addresses: [198.51.100.0/28]}]");
    assert!(eligibility.configure(elsewhere.clone()));
    let desired = Arc::clone(eligibility.desired());
    assert!(desired.is_empty());
    assert!(!eligibility.configure(elsewhere));
    assert!(Arc::ptr_eq(&desired, eligibility.desired()));
}

#[test]
fn only_advertisements_of_the_pool_count() {
    let mut eligibility =
        advertised("[{name: other, ipAddressPoolSelectors: [{matchLabels: {a: b}}]}]");
    assert!(candidates(&mut eligibility).is_empty());
    let mut eligibility = advertised("[{name: this, ipAddressPools: [lan]}]");
    assert_eq!(candidates(&mut eligibility), ["a", "b", "c"]);
}

#[test]
fn node_selectors_select_nodes_and_several_advertisements_add_up() {
    let select = |name: &str| format!("nodeSelectors: [{{matchLabels: {{name: {name}}}}}]");
    let two = format!(
        "[{{name: one, {}}}, {{name: two, {}}}]",
        select("a"),
        select("c")
    );
    assert_eq!(candidates(&mut advertised(&two)), ["a", "c"]);
    let none = format!("[{{name: one, {}}}]", select("z"));
    assert!(candidates(&mut advertised(&none)).is_empty());
}

#[test]
fn a_new_label_of_a_node_counts_at_once() {
    let mut eligibility =
        advertised("[{name: one, nodeSelectors: [{matchLabels: {edge: \"true\"}}]}]");
    assert!(candidates(&mut eligibility).is_empty());
    eligibility.apply_node(NodeView {
        labels: [("edge".to_owned(), "true".to_owned())].into(),
        ..node("b")
    });
    assert_eq!(candidates(&mut eligibility), ["b"]);
}

#[test]
fn service_selectors_choose_among_services() {
    let select =
        |app: &str| format!("[{{name: one, serviceSelectors: [{{matchLabels: {{app: {app}}}}}]}}]");
    assert_eq!(candidates(&mut advertised(&select("web"))).len(), 3);
    assert!(candidates(&mut advertised(&select("dns"))).is_empty());
}

#[test]
fn interfaces_are_united_over_the_advertisements_that_select_the_node() {
    let mut eligibility = advertised(
        "[{name: one, interfaces: [eth0]},\
          {name: two, interfaces: [bond0], nodeSelectors: [{matchLabels: {name: b}}]},\
          {name: three, nodeSelectors: [{matchLabels: {name: c}}]}]",
    );
    assert_eq!(allowed(&mut eligibility, "a"), ["eth0"]);
    assert_eq!(allowed(&mut eligibility, "b"), ["eth0", "bond0"]);
    assert_eq!(allowed(&mut eligibility, "c"), ["eth0", "eth1", "bond0"]);
}

#[test]
fn an_interface_may_be_a_pattern() {
    let mut eligibility = advertised("[{name: one, interfaces: [eth*]}]");
    assert_eq!(allowed(&mut eligibility, "a"), ["eth0", "eth1"]);
}

#[test]
fn weights_add_up_over_the_advertisements_that_select_the_node() {
    let prefer = |name: &str, weight: u8| {
        format!("{{weight: {weight}, preference: {{matchLabels: {{name: {name}}}}}}}")
    };
    let mut eligibility = advertised(&format!(
        "[{{name: one, preferredNodeSelectors: [{}, {{weight: 1, preference: {{}}}}]}},\
          {{name: two, preferredNodeSelectors: [{}, {}], nodeSelectors: [{{matchLabels: {{name: b}}}}]}}]",
        prefer("b", 10),
        prefer("b", 20),
        prefer("c", 40),
    ));
    let expected = [("a", 1), ("b", 31), ("c", 1)].map(|(node, score)| (node.to_owned(), score));
    assert_eq!(scores(&mut eligibility), BTreeMap::from(expected));
}

/// `web` and `dns` share the IP; each has the advertisement of its name.
fn sharing(web: &str, dns: &str) -> Eligibility {
    let advertisement = |app: &str, fields: &str| {
        format!("{{name: {app}, serviceSelectors: [{{matchLabels: {{app: {app}}}}}], {fields}}}")
    };
    let advertisements = format!(
        "[{}, {}]",
        advertisement("web", web),
        advertisement("dns", dns)
    );
    let mut eligibility = advertised(&advertisements);
    eligibility.apply_service(service("dns", false));
    eligibility.apply_slice(slice("dns", &["b"]));
    eligibility
}

#[test]
fn services_sharing_an_ip_are_announced_where_both_may_be() {
    let mut eligibility = sharing(
        "interfaces: [eth*], preferredNodeSelectors: [{weight: 2, preference: {}}]",
        "interfaces: [eth1, bond0], nodeSelectors: [{matchLabels: {name: b}}], \
         preferredNodeSelectors: [{weight: 3, preference: {}}]",
    );
    assert_eq!(candidates(&mut eligibility), ["b"]);
    assert_eq!(allowed(&mut eligibility, "b"), ["eth1"]);
    assert_eq!(scores(&mut eligibility)["b"], 5);
    assert!(!eligibility.desired()[&IP].no_common_node);
}

#[test]
fn services_sharing_an_ip_without_a_common_node_are_reported() {
    let on = |name: &str| format!("nodeSelectors: [{{matchLabels: {{name: {name}}}}}]");
    let mut eligibility = sharing(&on("a"), &on("b"));
    assert!(candidates(&mut eligibility).is_empty());
    assert!(eligibility.desired()[&IP].no_common_node);
    eligibility.delete_service(&key("dns"));
    assert!(!eligibility.desired()[&IP].no_common_node);
    assert_eq!(candidates(&mut eligibility), ["a"]);
}

#[test]
fn a_service_without_endpoints_does_not_count_as_without_a_common_node() {
    let mut eligibility = sharing("", "");
    eligibility.apply_slice(slice("dns", &[]));
    assert!(candidates(&mut eligibility).is_empty());
    assert!(!eligibility.desired()[&IP].no_common_node);
}

#[test]
fn only_what_changed_is_computed_again() {
    let mut eligibility = advertised("[{name: all}]");
    let desired = Arc::clone(eligibility.desired());
    eligibility.apply_node(node("a"));
    eligibility.apply_service(service("web", false));
    eligibility.apply_slice(slice("web", &["a"]));
    let same = Arc::ptr_eq(&desired, eligibility.desired());
    assert!(same, "nothing changed");
    eligibility.apply_slice(slice("web", &["b"]));
    assert!(!Arc::ptr_eq(&desired, eligibility.desired()));
}
