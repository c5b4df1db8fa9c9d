//! Claims about what advertisements admit: pools, nodes, interfaces, Services,
//! preferences, and what they mean for Services that share an IP.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ferrolb_core::config::Config;

use super::{IP, candidates, key, node, service, slice, three_nodes, three_nodes_with};
use crate::eligibility::{Demand, NodeView, Rules, ServiceView};

/// Three nodes, these advertisements, and the Service `web` with an endpoint.
fn advertised(adverts: &str) -> Demand {
    let mut demand = three_nodes_with(Rules::default(), &format!("l2Advertisements: {adverts}"));
    demand.apply_service(service("web", false));
    demand.apply_slice(slice("web", &["a"]));
    demand
}

fn scores(demand: &mut Demand) -> BTreeMap<String, u32> {
    let grants = demand.wanted()[&IP].grants.iter();
    grants
        .map(|(node, grant)| (node.clone(), grant.score))
        .collect()
}

/// Of these interfaces, those on which the node may announce.
fn allowed(demand: &mut Demand, node: &str) -> Vec<&'static str> {
    let interfaces = &demand.wanted()[&IP].grants[node].interfaces;
    ["eth0", "eth1", "bond0"]
        .into_iter()
        .filter(|name| interfaces.allow(name))
        .collect()
}

#[test]
fn an_ip_that_no_pool_covers_is_not_wanted() {
    let mut demand = three_nodes();
    let others = ["192.0.2.16", "192.0.1.255", "2001:db8::1:0", "::1"];
    let ips: Vec<IpAddr> = others.map(|ip| ip.parse().unwrap()).into();
    demand.apply_service(ServiceView {
        ips: [&ips[..], &[IP]].concat(),
        ..service("web", false)
    });
    let wanted: Vec<IpAddr> = demand.wanted().keys().copied().collect();
    assert_eq!(wanted, [IP]);
}

#[test]
fn nothing_is_wanted_before_there_is_a_configuration() {
    let mut demand = Demand::default();
    demand.reset_nodes(vec![node("a")]);
    demand.apply_service(service("web", false));
    assert!(demand.wanted().is_empty() && !demand.is_configured());
}

#[test]
fn a_new_configuration_counts_at_once_and_an_equal_one_changes_nothing() {
    let mut demand = advertised("[{name: all}]");
    demand.wanted();
    let config = |text| Config::from_yaml(text).unwrap();
    let elsewhere = config("pools: [{name: lan, addresses: [198.51.100.0/28]}]");
    assert!(demand.configure(elsewhere.clone()) && demand.has_changed());
    assert!(demand.wanted().is_empty());
    assert!(!demand.configure(elsewhere) && !demand.has_changed());
}

#[test]
fn only_advertisements_of_the_pool_count() {
    let mut demand = advertised("[{name: other, ipAddressPoolSelectors: [{matchLabels: {a: b}}]}]");
    assert!(candidates(&mut demand).is_empty());
    let mut demand = advertised("[{name: this, ipAddressPools: [lan]}]");
    assert_eq!(candidates(&mut demand), ["a", "b", "c"]);
}

#[test]
fn node_selectors_admit_nodes_and_several_advertisements_add_up() {
    let select = |name: &str| format!("nodeSelectors: [{{matchLabels: {{name: {name}}}}}]");
    let two = format!(
        "[{{name: one, {}}}, {{name: two, {}}}]",
        select("a"),
        select("c")
    );
    assert_eq!(candidates(&mut advertised(&two)), ["a", "c"]);
    let nobody = format!("[{{name: one, {}}}]", select("z"));
    assert!(candidates(&mut advertised(&nobody)).is_empty());
}

#[test]
fn a_label_put_on_a_node_counts_at_once() {
    let mut demand = advertised("[{name: one, nodeSelectors: [{matchLabels: {edge: \"true\"}}]}]");
    assert!(candidates(&mut demand).is_empty());
    demand.apply_node(NodeView {
        labels: [("edge".to_owned(), "true".to_owned())].into(),
        ..node("b")
    });
    assert_eq!(candidates(&mut demand), ["b"]);
}

#[test]
fn service_selectors_choose_among_services() {
    let select =
        |app: &str| format!("[{{name: one, serviceSelectors: [{{matchLabels: {{app: {app}}}}}]}}]");
    assert_eq!(candidates(&mut advertised(&select("web"))).len(), 3);
    assert!(candidates(&mut advertised(&select("dns"))).is_empty());
}

#[test]
fn interfaces_are_united_over_the_advertisements_that_admit_the_node() {
    let mut demand = advertised(
        "[{name: one, interfaces: [eth0]},\
          {name: two, interfaces: [bond0], nodeSelectors: [{matchLabels: {name: b}}]},\
          {name: three, nodeSelectors: [{matchLabels: {name: c}}]}]",
    );
    assert_eq!(allowed(&mut demand, "a"), ["eth0"]);
    assert_eq!(allowed(&mut demand, "b"), ["eth0", "bond0"]);
    assert_eq!(allowed(&mut demand, "c"), ["eth0", "eth1", "bond0"]);
}

#[test]
fn an_interface_may_be_a_pattern() {
    let mut demand = advertised("[{name: one, interfaces: [eth*]}]");
    assert_eq!(allowed(&mut demand, "a"), ["eth0", "eth1"]);
}

#[test]
fn weights_add_up_over_the_advertisements_that_admit_the_node() {
    let prefer = |name: &str, weight: u8| {
        format!("{{weight: {weight}, preference: {{matchLabels: {{name: {name}}}}}}}")
    };
    let mut demand = advertised(&format!(
        "[{{name: one, preferredNodeSelectors: [{}, {{weight: 1, preference: {{}}}}]}},\
          {{name: two, preferredNodeSelectors: [{}, {}], nodeSelectors: [{{matchLabels: {{name: b}}}}]}}]",
        prefer("b", 10),
        prefer("b", 20),
        prefer("c", 40),
    ));
    let expected = [("a", 1), ("b", 31), ("c", 1)].map(|(node, score)| (node.to_owned(), score));
    assert_eq!(scores(&mut demand), BTreeMap::from(expected));
}

/// `web` and `dns` share the IP; each has the advertisement of its name.
fn sharing(web: &str, dns: &str) -> Demand {
    let advert = |app: &str, fields: &str| {
        format!("{{name: {app}, serviceSelectors: [{{matchLabels: {{app: {app}}}}}], {fields}}}")
    };
    let adverts = format!("[{}, {}]", advert("web", web), advert("dns", dns));
    let mut demand = advertised(&adverts);
    demand.apply_service(service("dns", false));
    demand.apply_slice(slice("dns", &["b"]));
    demand
}

#[test]
fn services_sharing_an_ip_are_announced_where_both_may_be() {
    let mut demand = sharing(
        "interfaces: [eth*], preferredNodeSelectors: [{weight: 2, preference: {}}]",
        "interfaces: [eth1, bond0], nodeSelectors: [{matchLabels: {name: b}}], \
         preferredNodeSelectors: [{weight: 3, preference: {}}]",
    );
    assert_eq!(candidates(&mut demand), ["b"]);
    assert_eq!(allowed(&mut demand, "b"), ["eth1"]);
    assert_eq!(scores(&mut demand)["b"], 5);
    assert!(!demand.wanted()[&IP].at_odds);
}

#[test]
fn services_sharing_an_ip_without_a_common_node_are_at_odds() {
    let on = |name: &str| format!("nodeSelectors: [{{matchLabels: {{name: {name}}}}}]");
    let mut demand = sharing(&on("a"), &on("b"));
    assert!(candidates(&mut demand).is_empty());
    assert!(demand.wanted()[&IP].at_odds);
    demand.delete_service(&key("dns"));
    assert!(!demand.wanted()[&IP].at_odds);
    assert_eq!(candidates(&mut demand), ["a"]);
}

#[test]
fn a_service_that_serves_nowhere_is_not_at_odds_with_another() {
    let mut demand = sharing("", "");
    demand.apply_slice(slice("dns", &[]));
    assert!(candidates(&mut demand).is_empty());
    assert!(!demand.wanted()[&IP].at_odds);
}

#[test]
fn only_what_changed_is_worked_out_again() {
    let mut demand = advertised("[{name: all}]");
    demand.wanted();
    demand.apply_node(node("a"));
    demand.apply_service(service("web", false));
    demand.apply_slice(slice("web", &["a"]));
    assert!(!demand.has_changed(), "nothing changed");
    demand.apply_slice(slice("web", &["b"]));
    assert!(demand.has_changed());
}
