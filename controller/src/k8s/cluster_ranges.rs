//! Watches the ranges that Services have inside the cluster, where the API
//! server serves ServiceCIDRs.

use std::time::Duration;

use ferrolb_runtime::kube::{Discovery, watch};
use k8s_openapi::api::networking::v1::ServiceCIDR;
use kube::core::ApiResource;
use kube::{Api, Client, ResourceExt};

use super::input::{Sinks, watcher_config};
use crate::config::{ClusterObject, RangeKind, ReservedRange, SourceEvent};

/// Interval between requests whether the kind is served, while it is not.
const DISCOVERY: Duration = Duration::from_secs(60);

/// Watches from the moment the kind is served.
pub(super) async fn service_cidrs(client: Client, sinks: Sinks) {
    let kind = ApiResource::erase::<ServiceCIDR>(&());
    let mut discovery = Discovery::new(client.clone(), [((), kind)], DISCOVERY);
    while discovery.next().await.is_empty() {}
    let api = Api::all(client);
    let view = |object| Some(service_cidr(object));
    watch(api, watcher_config(), "ServiceCIDRs", view, |change| {
        sinks.event(SourceEvent::ServiceCidrs(change.by_name()))
    })
    .await;
}

fn service_cidr(object: ServiceCIDR) -> ClusterObject {
    let name = object.name_any();
    let cidrs = object.spec.and_then(|spec| spec.cidrs);
    ClusterObject {
        name,
        ranges: ranges(RangeKind::Services, cidrs).collect(),
    }
}

/// The ranges of a list; what cannot be read reserves nothing.
pub(super) fn ranges(
    kind: RangeKind,
    texts: Option<Vec<String>>,
) -> impl Iterator<Item = ReservedRange> {
    let ranges = texts
        .into_iter()
        .flatten()
        .filter_map(|text| text.parse().ok());
    ranges.map(move |range| ReservedRange { kind, range })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{RangeKind, ReservedRange, service_cidr};

    #[test]
    fn a_service_cidr_reserves_its_ranges() {
        let object = json!({"metadata": {"name": "k"}, "spec": {"cidrs": ["10.96.0.0/12"]}});
        let view = service_cidr(serde_json::from_value(object).unwrap());
        let expected = [ReservedRange {
            kind: RangeKind::Services,
            range: "10.96.0.0/12".parse().unwrap(),
        }];
        assert_eq!(view.ranges, expected);
    }
}
