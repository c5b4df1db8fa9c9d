//! Kubernetes objects to the views the decisions need. Pure.

use std::net::IpAddr;

use ferrolb_core::config::{Config, Faults, Sources, load};
use ferrolb_core::key::ObjectKey;
use ferrolb_core::names::CONFIG_KEY;
use ferrolb_runtime::kube::object_key;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint as K8sEndpoint, EndpointSlice};
use kube::ResourceExt;

use crate::eligibility::{Endpoint, NodeView, ServiceView, SliceView};

/// Well-known label: the Service an EndpointSlice belongs to.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// What the controller's ConfigMap holds.
pub type Accepted = Result<Box<Config>, Faults>;

/// A Service, if it is of type LoadBalancer and of our class.
pub(super) fn service(service: &Service, our_class: Option<&str>) -> Option<ServiceView> {
    let spec = service.spec.as_ref()?;
    let ours = spec.type_.as_deref() == Some("LoadBalancer")
        && spec.load_balancer_class.as_deref() == our_class;
    ours.then(|| ServiceView {
        key: object_key(service),
        uid: service.uid().unwrap_or_default(),
        labels: service.labels().clone(),
        ips: ips(service),
        local: spec.external_traffic_policy.as_deref() == Some("Local"),
    })
}

fn ips(service: &Service) -> Vec<IpAddr> {
    let status = service.status.as_ref();
    let ingress = status
        .and_then(|status| status.load_balancer.as_ref())
        .and_then(|balancer| balancer.ingress.as_ref());
    ingress
        .into_iter()
        .flatten()
        .filter(|entry| entry.ip_mode.as_deref() != Some("Proxy"))
        .filter_map(|entry| entry.ip.as_ref()?.parse().ok())
        .collect()
}

/// An EndpointSlice, if it belongs to a Service.
pub(super) fn slice(slice: &EndpointSlice) -> Option<SliceView> {
    let name = slice.labels().get(SERVICE_LABEL)?.clone();
    let key = object_key(slice);
    let service = ObjectKey {
        namespace: key.namespace.clone(),
        name,
    };
    Some(SliceView {
        service,
        ipv6: slice.address_type == "IPv6",
        serving: slice.endpoints.iter().filter_map(endpoint).collect(),
        key,
    })
}

/// An endpoint serves when it is ready (no word on it means ready), or is
/// still serving while it terminates (`EndpointConditions`).
fn endpoint(endpoint: &K8sEndpoint) -> Option<Endpoint> {
    let conditions = endpoint.conditions.as_ref();
    let ready = conditions
        .and_then(|conditions| conditions.ready)
        .unwrap_or(true);
    let serving = conditions.and_then(|conditions| conditions.serving);
    (ready || serving == Some(true)).then(|| Endpoint {
        node: endpoint.node_name.clone(),
    })
}

/// A Node.
pub(super) fn node(node: &Node) -> NodeView {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let network_unavailable = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "NetworkUnavailable" && condition.status == "True");
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    NodeView {
        name: node.name_any(),
        labels: node.labels().clone(),
        taints: taints
            .into_iter()
            .flatten()
            .map(|taint| taint.key.clone())
            .collect(),
        network_unavailable,
    }
}

/// The configuration that the controller has accepted, or why it cannot be read.
pub(super) fn config(map: &ConfigMap) -> Accepted {
    let data = map.data.as_ref();
    let Some(text) = data.and_then(|data| data.get(CONFIG_KEY)) else {
        return Err(Faults::whole(format!("has no key {CONFIG_KEY:?}")));
    };
    let sources = Sources {
        text: Some(text.clone()),
        objects: Vec::new(),
    };
    load(&sources).map(|loaded| Box::new(loaded.config))
}

/// The address of a speaker's pod; it is on the host network, so this is the
/// Node's.
pub(super) fn pod_ip(pod: &Pod) -> Option<IpAddr> {
    pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{config, node, service, slice};

    fn parse<K: serde::de::DeserializeOwned>(value: Value) -> K {
        serde_json::from_value(value).unwrap()
    }

    fn load_balancer(class: Option<&str>) -> Value {
        json!({
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"type": "LoadBalancer", "loadBalancerClass": class, "externalTrafficPolicy": "Local"},
            "status": {"loadBalancer": {"ingress": [
                {"ip": "192.0.2.1", "ipMode": "VIP"},
                {"ip": "192.0.2.2", "ipMode": "Proxy"},
                {"hostname": "example.org"},
            ]}},
        })
    }

    #[test]
    fn only_ips_that_kube_proxy_takes_from_the_wire_are_wanted() {
        let view = service(&parse(load_balancer(None)), None).unwrap();
        assert_eq!(view.ips, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
        assert!(view.local);
    }

    #[test]
    fn services_of_another_class_are_not_ours() {
        assert!(service(&parse(load_balancer(Some("other"))), None).is_none());
        assert!(service(&parse(load_balancer(None)), Some("mine")).is_none());
        assert!(service(&parse(load_balancer(Some("mine"))), Some("mine")).is_some());
    }

    #[test]
    fn endpoints_that_terminate_but_serve_count() {
        let endpoint = |node, ready, serving| {
            json!({"addresses": ["192.0.2.9"], "nodeName": node,
                   "conditions": {"ready": ready, "serving": serving}})
        };
        let view = slice(&parse(json!({
            "metadata": {"name": "web-1", "namespace": "default",
                         "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [endpoint("a", true, true), endpoint("b", false, true), endpoint("c", false, false)],
        })))
        .unwrap();
        let nodes: Vec<_> = view
            .serving
            .into_iter()
            .filter_map(|end| end.node)
            .collect();
        assert_eq!(nodes, ["a", "b"]);
    }

    #[test]
    fn what_a_node_says_against_announcing_is_seen() {
        let view = node(&parse(json!({
            "metadata": {"name": "a", "labels": {"zone": "b"}},
            "spec": {"taints": [{"key": "going", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "NetworkUnavailable", "status": "True"}]},
        })));
        assert_eq!(view.labels["zone"], "b");
        assert!(view.taints.contains("going") && view.network_unavailable);
        let well = node(&parse(json!({"metadata": {"name": "b"}})));
        assert!(well.taints.is_empty() && !well.network_unavailable);
    }

    #[test]
    fn a_configuration_is_read_or_its_faults_are() {
        let read = |data| {
            config(&parse(
                json!({"metadata": {"name": "ferrolb-accepted"}, "data": data}),
            ))
        };
        let text = "pools: [{name: lan, addresses: [192.0.2.0/28]}]";
        let good = read(json!({"config.yaml": text})).unwrap();
        assert_eq!(good.pools[0].name, "lan");
        assert!(read(json!({"config.yaml": "pools: 7"})).is_err());
        assert!(read(json!({"other": text})).is_err());
    }
}
