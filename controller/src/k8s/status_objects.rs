//! Status objects of MetalLB's group, read by the types of `ferrolb-api`: the
//! `ServiceL2Status` of each speaker and the status of each `IPAddressPool`. Pure.

use ferrolb_api::l2_status::ServiceL2Status;
use ferrolb_api::pool::IPAddressPool;
use ferrolb_core::announcement::{
    ANNOUNCES, CONFLICTS, SERVICE_NAME_LABEL, SERVICE_NAMESPACE_LABEL, UNANNOUNCED, read_announces,
    read_conflicts, read_unannounced,
};
use ferrolb_core::key::ObjectKey;
use kube::ResourceExt;
use kube::core::{ApiResource, DynamicObject};

use crate::reconcile::{Announcement, PoolObject};

/// The kind in which speakers report what they announce.
#[must_use]
pub(super) fn l2_statuses() -> ApiResource {
    ApiResource::erase::<ServiceL2Status>(&())
}

/// The kind of pools as objects.
#[must_use]
pub(super) fn address_pools() -> ApiResource {
    ApiResource::erase::<IPAddressPool>(&())
}

/// What a speaker reports. An object without our annotations, such as MetalLB's,
/// or of another form is not ours.
pub(super) fn announcement(object: DynamicObject) -> Option<Announcement> {
    let object: ServiceL2Status = object.try_parse().ok()?;
    let annotation = |name| object.annotations().get(name).map(String::as_str);
    let ours = [ANNOUNCES, CONFLICTS, UNANNOUNCED];
    if ours.into_iter().all(|name| annotation(name).is_none()) {
        return None;
    }
    let label = |name| object.labels().get(name).cloned();
    let status = object.status.clone().unwrap_or_default();
    let interfaces = status.interfaces.into_iter();
    Some(Announcement {
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        version: object.resource_version().unwrap_or_default(),
        service: ObjectKey {
            namespace: label(SERVICE_NAMESPACE_LABEL)?,
            name: label(SERVICE_NAME_LABEL)?,
        },
        node: status.node,
        interfaces: interfaces.filter_map(|one| one.name).collect(),
        announces: read_announces(annotation(ANNOUNCES).unwrap_or_default()),
        conflicts: read_conflicts(annotation(CONFLICTS).unwrap_or_default()),
        unannounced: read_unannounced(annotation(UNANNOUNCED).unwrap_or_default()),
    })
}

/// A pool with its status; none unless that is complete.
pub(super) fn pool(object: &DynamicObject) -> PoolObject {
    let status = object.data.get("status").cloned().unwrap_or_default();
    PoolObject {
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        shown: serde_json::from_value(status).ok(),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;
    use serde_json::{Value, json};

    use super::{announcement, pool};

    fn object(annotations: Value, status: Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "metallb.io/v1beta1", "kind": "ServiceL2Status", "spec": {},
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
        let read = announcement(object(annotations, status)).unwrap();
        assert_eq!(
            (&*read.name, &*read.uid, &*read.version),
            ("l2-1", "u", "7")
        );
        assert_eq!(read.service.to_string(), "shop/web");
        assert_eq!(read.node.as_deref(), Some("n"));
        assert_eq!(read.interfaces, ["eth0", "eth1"]);
        assert_eq!(read.announces[&"10.0.0.1".parse().unwrap()], 7);
        assert_eq!(
            read.conflicts[&"10.0.0.2".parse().unwrap()],
            "02:00:00:00:00:01"
        );
    }

    #[test]
    fn an_object_without_our_annotations_is_not_ours() {
        let metallbs = object(json!({}), json!({"node": "n"}));
        assert_eq!(announcement(metallbs), None);
    }

    #[test]
    fn a_pool_without_a_complete_status_shows_none() {
        let complete = json!({
            "assignedIPv4": 1, "assignedIPv6": 0, "availableIPv4": 2, "availableIPv6": i64::MAX,
        });
        let shown = pool(&object(json!({}), complete)).shown.unwrap();
        assert_eq!((shown.assigned_ipv4, shown.available_ipv6), (1, i64::MAX));
        let partial = pool(&object(json!({}), json!({"assignedIPv4": 1})));
        assert_eq!(partial.shown, None);
    }
}
