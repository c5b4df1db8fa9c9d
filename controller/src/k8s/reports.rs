//! Watches the objects of MetalLB's group in which somebody reports: what the
//! speakers say (`ServiceL2Status`) and the status of each `IPAddressPool`. Both
//! kinds may come to be served later, or never.

use std::collections::BTreeMap;
use std::time::Duration;

use ferrolb_core::announcement::{
    ANNOUNCES, CONFLICTS, SERVICE_NAME_LABEL, SERVICE_NAMESPACE_LABEL, read_announces,
    read_conflicts,
};
use ferrolb_core::key::ObjectKey;
use ferrolb_core::text::Chain;
use ferrolb_runtime::kube::{Change, watch_as};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::input::{Input, send, watcher_config};
use crate::reconcile::{Announcement, PoolCounts, PoolObject};

/// Group and version of both kinds.
const GROUP: &str = "metallb.io";
const VERSION: &str = "v1beta1";

/// How often it is asked whether a kind is served, while it is not.
const DISCOVERY: Duration = Duration::from_secs(5);

/// The same while the API server does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// The kind in which speakers say what they announce.
#[must_use]
pub(super) fn l2_statuses() -> ApiResource {
    let gvk = GroupVersionKind::gvk(GROUP, VERSION, "ServiceL2Status");
    ApiResource::from_gvk_with_plural(&gvk, "servicel2statuses")
}

/// The kind of pools as objects.
#[must_use]
pub(super) fn address_pools() -> ApiResource {
    let gvk = GroupVersionKind::gvk(GROUP, VERSION, "IPAddressPool");
    ApiResource::from_gvk_with_plural(&gvk, "ipaddresspools")
}

/// Watches what the speakers say, for ever.
pub(super) async fn announcements(client: Client, namespace: String, sink: mpsc::Sender<Input>) {
    let resource = l2_statuses();
    while !served(&client, &resource).await {
        tokio::time::sleep(DISCOVERY).await;
    }
    let api: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &resource);
    let cut = |object: DynamicObject| (object.name_any(), announcement(&object));
    let hear = |change| send(&sink, Input::Announcements(ours(change)));
    let never = CancellationToken::new();
    let what = "ServiceL2Status";
    watch_as(api, watcher_config(), what, never, cut, hear).await;
}

/// Watches the pools' statuses for ever. Where they are not served it says that
/// there is none.
pub(super) async fn pools(client: Client, namespace: String, sink: mpsc::Sender<Input>) {
    let resource = address_pools();
    if !served(&client, &resource).await {
        send(&sink, Input::Pools(Change::Reset(Vec::new()))).await;
        while !served(&client, &resource).await {
            tokio::time::sleep(DISCOVERY).await;
        }
    }
    let api: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &resource);
    let cut = |object: DynamicObject| pool(&object);
    let hear = |change| send(&sink, Input::Pools(change));
    let never = CancellationToken::new();
    watch_as(api, watcher_config(), "pool statuses", never, cut, hear).await;
}

/// Whether a kind is served; waits until the API server can tell.
async fn served(client: &Client, resource: &ApiResource) -> bool {
    loop {
        match client.list_api_group_resources(&resource.api_version).await {
            Ok(list) => return list.resources.iter().any(|r| r.name == resource.plural),
            Err(kube::Error::Api(status)) if status.code == 404 => return false,
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "cannot ask which CRDs there are");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Objects without our annotations, say MetalLB's, are not there for us; one
/// that has lost them is gone.
fn ours(change: Change<(String, Option<Announcement>)>) -> Change<Announcement> {
    match change {
        Change::Apply((_, Some(announcement))) => Change::Apply(announcement),
        Change::Apply((name, None)) | Change::Delete((name, _)) => Change::Delete(nameless(name)),
        Change::Reset(all) => Change::Reset(all.into_iter().filter_map(|(_, said)| said).collect()),
    }
}

/// What is left of an object that is gone.
fn nameless(name: String) -> Announcement {
    Announcement {
        name,
        uid: String::new(),
        version: String::new(),
        service: ObjectKey {
            namespace: String::new(),
            name: String::new(),
        },
        node: None,
        interfaces: Vec::new(),
        announces: BTreeMap::new(),
        conflicts: BTreeMap::new(),
    }
}

fn announcement(object: &DynamicObject) -> Option<Announcement> {
    let said = |name| object.annotations().get(name).map(String::as_str);
    if said(ANNOUNCES).is_none() && said(CONFLICTS).is_none() {
        return None;
    }
    let status = &object.data["status"];
    let label = |name| object.labels().get(name).cloned();
    let interfaces = status["interfaces"].as_array().into_iter().flatten();
    let interfaces = interfaces.filter_map(|entry| entry["name"].as_str());
    Some(Announcement {
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        version: object.resource_version().unwrap_or_default(),
        service: ObjectKey {
            namespace: label(SERVICE_NAMESPACE_LABEL)?,
            name: label(SERVICE_NAME_LABEL)?,
        },
        node: status["node"].as_str().map(str::to_owned),
        interfaces: interfaces.map(str::to_owned).collect(),
        announces: read_announces(said(ANNOUNCES).unwrap_or_default()),
        conflicts: read_conflicts(said(CONFLICTS).unwrap_or_default()),
    })
}

fn pool(object: &DynamicObject) -> PoolObject {
    PoolObject {
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        shown: counts(&object.data["status"]),
    }
}

/// None unless all are there.
fn counts(status: &Value) -> Option<PoolCounts> {
    Some(PoolCounts {
        assigned_v4: status["assignedIPv4"].as_i64()?,
        assigned_v6: status["assignedIPv6"].as_i64()?,
        available_v4: status["availableIPv4"].as_i64()?,
        available_v6: status["availableIPv6"].as_i64()?,
    })
}

#[cfg(test)]
mod tests {
    use ferrolb_runtime::kube::Change;
    use kube::core::DynamicObject;
    use serde_json::{Value, json};

    use super::{announcement, ours, pool};

    fn object(annotations: Value, status: Value) -> DynamicObject {
        let object = json!({
            "metadata": {
                "name": "l2-1", "uid": "u", "resourceVersion": "7", "annotations": annotations,
                "labels": {
                    "metallb.io/node": "n", "metallb.io/service-name": "web",
                    "metallb.io/service-namespace": "shop",
                },
            },
            "status": status,
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn reads_what_a_speaker_says() {
        let annotations = json!({
            "ferrolb.io/announces": "10.0.0.1=7",
            "ferrolb.io/conflicts": "10.0.0.2=02:00:00:00:00:01",
        });
        let status = json!({"node": "n", "interfaces": [{"name": "eth0"}, {"name": "eth1"}]});
        let said = announcement(&object(annotations, status)).unwrap();
        assert_eq!(
            (&*said.name, &*said.uid, &*said.version),
            ("l2-1", "u", "7")
        );
        assert_eq!(said.service.to_string(), "shop/web");
        assert_eq!(said.node.as_deref(), Some("n"));
        assert_eq!(said.interfaces, ["eth0", "eth1"]);
        assert_eq!(said.announces[&"10.0.0.1".parse().unwrap()], 7);
        assert_eq!(
            said.conflicts[&"10.0.0.2".parse().unwrap()],
            "02:00:00:00:00:01"
        );
    }

    #[test]
    fn an_object_without_our_annotations_is_not_ours() {
        let metallbs = object(json!({}), json!({"node": "n"}));
        assert_eq!(announcement(&metallbs), None);
        let lost = Change::Apply(("l2-1".to_owned(), None));
        assert!(matches!(ours(lost), Change::Delete(said) if said.name == "l2-1"));
    }

    #[test]
    fn a_pool_without_a_complete_status_shows_none() {
        let complete = json!({
            "assignedIPv4": 1, "assignedIPv6": 0, "availableIPv4": 2, "availableIPv6": i64::MAX,
        });
        let shown = pool(&object(json!({}), complete)).shown.unwrap();
        assert_eq!((shown.assigned_v4, shown.available_v6), (1, i64::MAX));
        let partial = pool(&object(json!({}), json!({"assignedIPv4": 1})));
        assert_eq!(partial.shown, None);
    }
}
