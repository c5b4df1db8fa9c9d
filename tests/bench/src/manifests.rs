//! The objects of a LAN of speakers without kubelets. Pure.

use ferrolb_lab::plan::{self, Network};
use serde_json::{Value, json};

/// FerroLB's namespace.
pub(crate) const SYSTEM: &str = "ferrolb-system";
/// The label of a member's Node and pod.
pub(crate) const MEMBER: &str = "ferrolb-bench-member";
/// The number of Services with an IP each.
pub(crate) const SERVICES: u8 = 10;

/// The name of a member, counted from 1.
pub(crate) fn name(member: u8) -> String {
    format!("member-{member}")
}

/// The namespace.
pub(crate) fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}})
}

/// The configuration: one pool on the LAN.
pub(crate) fn configuration() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "ferrolb", "namespace": SYSTEM},
        "data": {"config.yaml": "pools: [{name: lan, addresses: [10.77.0.240-10.77.0.250]}]"},
    })
}

/// A Node for each member, so that it may announce.
pub(crate) fn nodes(count: u8) -> Value {
    list((1..=count).map(|member| {
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name(member), "labels": {MEMBER: ""}},
        })
    }))
}

/// A pod for each member, so that the others find it. The gate keeps it from being
/// scheduled.
pub(crate) fn pods(count: u8) -> Value {
    list((1..=count).map(|member| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name(member), "namespace": SYSTEM, "labels": {
                MEMBER: "",
                "app.kubernetes.io/name": "ferrolb",
                "app.kubernetes.io/component": "speaker",
            }},
            "spec": {
                "schedulingGates": [{"name": "ferrolb.local/runs-elsewhere"}],
                "containers": [{"name": "speaker", "image": "ferrolb.local/none"}],
            },
        })
    }))
}

/// The address in a member's pod.
pub(crate) fn pod_status(member: u8) -> Value {
    let ip = Network::Lan.v4(plan::node_host(member + 1));
    json!({"status": {"podIP": ip, "podIPs": [{"ip": ip}]}})
}

/// Services that any node may announce, each with a ready endpoint.
pub(crate) fn services() -> Value {
    let service = |number: u8| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": format!("rest-{number}"), "namespace": "default"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        })
    };
    let slice = |number: u8| {
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": format!("rest-{number}"),
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": format!("rest-{number}")},
            },
            "addressType": "IPv4",
            "ports": [{"port": 8080}],
            "endpoints": [{
                "addresses": ["10.78.1.200"],
                "conditions": {"ready": true, "serving": true},
            }],
        })
    };
    list((1..=SERVICES).flat_map(|number| [service(number), slice(number)]))
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_slice_that_names_it() {
        let list = services();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 2 * usize::from(SERVICES));
        for pair in items.chunks(2) {
            assert_eq!(
                pair[1]["metadata"]["labels"]["kubernetes.io/service-name"],
                pair[0]["metadata"]["name"]
            );
        }
    }

    #[test]
    fn members_begin_behind_the_one_node_of_the_lab() {
        assert_eq!(pod_status(1)["status"]["podIP"], "10.77.0.12");
    }
}
