//! Node objects as the controller sees them: whether each is Ready, and which
//! addresses it and its pods have. Pure.

use std::net::IpAddr;

use ferrolb_core::change::Change;
use ferrolb_core::range::{IpRange, address};
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;

use super::cluster_ranges::ranges;
use super::input::Input;
use crate::config::{ClusterObject, RangeKind, ReservedRange, SourceEvent};

/// A Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeView {
    name: String,
    ready: bool,
    ranges: Vec<ReservedRange>,
}

/// What the engine needs of a change.
pub(super) fn readiness(change: Change<NodeView, String>) -> Input {
    Input::Nodes(change.map(|node| (node.name, node.ready)))
}

/// What the configuration needs of a change.
pub(super) fn reserved(change: Change<NodeView, String>) -> SourceEvent {
    SourceEvent::Nodes(change.map(|node| ClusterObject {
        name: node.name,
        ranges: node.ranges,
    }))
}

/// Reads a Node. An address that cannot be read reserves nothing.
pub(super) fn node(object: Node) -> NodeView {
    let name = object.name_any();
    let status = object.status.unwrap_or_default();
    // `Unknown` once the node controller has lost contact with the kubelet.
    let mut conditions = status.conditions.iter().flatten();
    let ready = conditions.any(|one| one.type_ == "Ready" && one.status == "True");
    let own = status.addresses.into_iter().flatten().filter_map(|entry| {
        let known = matches!(&*entry.type_, "InternalIP" | "ExternalIP");
        let ip: IpAddr = address(&entry.address).ok().filter(|_| known)?;
        let range = IpRange::new(ip, ip).ok()?;
        let kind = RangeKind::Node;
        Some(ReservedRange { kind, range })
    });
    let pods = ranges(RangeKind::Pods, object.spec.and_then(|spec| spec.pod_cidrs));
    NodeView {
        name,
        ready,
        ranges: own.chain(pods).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{RangeKind, ReservedRange, node};

    #[test]
    fn only_a_condition_ready_that_is_true_makes_a_node_ready() {
        let ready = |status: &str| {
            let conditions = json!([
                {"type": "DiskPressure", "status": "True"},
                {"type": "Ready", "status": status},
            ]);
            let object = json!({"metadata": {"name": "n"}, "status": {"conditions": conditions}});
            node(serde_json::from_value(object).unwrap()).ready
        };
        assert!(ready("True"));
        assert!(!ready("False"));
        assert!(!ready("Unknown"));
        let fresh = json!({"metadata": {"name": "n"}});
        assert!(!node(serde_json::from_value(fresh).unwrap()).ready);
    }

    #[test]
    fn a_node_reserves_its_addresses_and_those_of_its_pods() {
        let object = json!({
            "metadata": {"name": "n"},
            "spec": {"podCIDRs": ["10.244.1.0/24", "fd01::/64"]},
            "status": {"addresses": [
                {"type": "InternalIP", "address": "10.0.0.5"},
                {"type": "ExternalIP", "address": "192.0.2.5"},
                {"type": "Hostname", "address": "10.0.0.9"},
                {"type": "InternalIP", "address": "nonsense"},
            ]},
        });
        let view = node(serde_json::from_value(object).unwrap());
        let expected = [
            (RangeKind::Node, "10.0.0.5/32"),
            (RangeKind::Node, "192.0.2.5/32"),
            (RangeKind::Pods, "10.244.1.0/24"),
            (RangeKind::Pods, "fd01::/64"),
        ];
        let expected = expected.map(|(kind, range)| ReservedRange {
            kind,
            range: range.parse().unwrap(),
        });
        assert_eq!(view.ranges, expected);
    }
}
