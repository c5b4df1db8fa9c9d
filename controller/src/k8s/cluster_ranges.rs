//! Watches what addresses the cluster has itself: Nodes, and ServiceCIDRs where
//! the API server has them.

use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::range::{IpRange, address};
use ferrolb_core::text::Chain;
use ferrolb_runtime::kube::{Change, watch_as};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::networking::v1::ServiceCIDR;
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::config_sources::{Knock, knock};
use super::input::watcher_config;
use crate::config::{Occupant, Occupied};

/// How often it is asked whether there are ServiceCIDRs, until there are.
const DISCOVERY: Duration = Duration::from_secs(60);

/// Watches the nodes for ever.
pub(super) async fn nodes(client: Client, sender: mpsc::Sender<Knock>) {
    let api: Api<Node> = Api::all(client);
    let sink = |change| knock(sender.clone(), Knock::Nodes(change));
    let never = CancellationToken::new();
    watch_as(api, watcher_config(), "Nodes", never, node, sink).await;
}

/// Watches the ranges of Services for ever, from the moment there are such
/// resources.
pub(super) async fn service_ranges(client: Client, sender: mpsc::Sender<Knock>) {
    while !are_served(&client).await {
        tokio::time::sleep(DISCOVERY).await;
    }
    let api: Api<ServiceCIDR> = Api::all(client);
    let sink = |change: Change<_>| knock(sender.clone(), Knock::ServiceRanges(change));
    let never = CancellationToken::new();
    watch_as(
        api,
        watcher_config(),
        "ServiceCIDRs",
        never,
        service_range,
        sink,
    )
    .await;
}

async fn are_served(client: &Client) -> bool {
    match client
        .list_api_group_resources("networking.k8s.io/v1")
        .await
    {
        Ok(list) => list
            .resources
            .iter()
            .any(|resource| resource.name == "servicecidrs"),
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "cannot ask whether there are ServiceCIDRs");
            false
        }
    }
}

/// What cannot be read occupies nothing.
fn node(object: Node) -> Occupied {
    let name = object.name_any();
    let status = object.status.and_then(|status| status.addresses);
    let own = status.unwrap_or_default().into_iter().filter_map(|entry| {
        let known = matches!(&*entry.type_, "InternalIP" | "ExternalIP");
        let ip: IpAddr = address(&entry.address).ok().filter(|_| known)?;
        Some((Occupant::Node, IpRange::new(ip, ip).ok()?))
    });
    let pods = object.spec.and_then(|spec| spec.pod_cidrs);
    let pods = ranges(Occupant::Pods, pods);
    Occupied {
        name,
        ranges: own.chain(pods).collect(),
    }
}

fn service_range(object: ServiceCIDR) -> Occupied {
    Occupied {
        name: object.name_any(),
        ranges: ranges(Occupant::Services, object.spec.and_then(|spec| spec.cidrs)).collect(),
    }
}

fn ranges(
    occupant: Occupant,
    texts: Option<Vec<String>>,
) -> impl Iterator<Item = (Occupant, IpRange)> {
    let texts = texts.unwrap_or_default().into_iter();
    texts.filter_map(move |text| Some((occupant, text.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Occupant, node, service_range};

    #[test]
    fn a_node_occupies_its_addresses_and_those_of_its_pods() {
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
        let occupied = node(serde_json::from_value(object).unwrap());
        let expected = [
            (Occupant::Node, "10.0.0.5/32"),
            (Occupant::Node, "192.0.2.5/32"),
            (Occupant::Pods, "10.244.1.0/24"),
            (Occupant::Pods, "fd01::/64"),
        ];
        let expected = expected.map(|(occupant, range)| (occupant, range.parse().unwrap()));
        assert_eq!(occupied.ranges, expected);
    }

    #[test]
    fn a_service_range_occupies_what_it_names() {
        let object = json!({"metadata": {"name": "k"}, "spec": {"cidrs": ["10.96.0.0/12"]}});
        let occupied = service_range(serde_json::from_value(object).unwrap());
        let expected = [(Occupant::Services, "10.96.0.0/12".parse().unwrap())];
        assert_eq!(occupied.ranges, expected);
    }
}
