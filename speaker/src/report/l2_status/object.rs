//! The content of a status as a `ServiceL2Status` object, and back. Pure.

use std::collections::BTreeMap;

use ferrolb_api::l2_status::{
    InterfaceInfo, ServiceL2Status, ServiceL2StatusSpec, ServiceL2StatusStatus,
};
use ferrolb_core::announcement::{
    ANNOUNCES, CONFLICTS, NODE_LABEL, SERVICE_NAME_LABEL, SERVICE_NAMESPACE_LABEL, UNANNOUNCED,
    read_announces, read_conflicts, read_unannounced, write, write_unannounced,
};
use ferrolb_core::key::ObjectKey;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use kube::core::DynamicObject;

use crate::report::l2_status::{L2Status, hash};

/// The longest value of a label.
const LONGEST_LABEL: usize = 63;

/// Who writes the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The node.
    pub node: String,
    /// Name and uid of the speaker's pod, whose end ends its objects too.
    pub pod: Option<(String, String)>,
}

impl Author {
    /// The node as the value of a label. Nodes may have longer names than that.
    pub(super) fn label(&self) -> String {
        if self.node.len() <= LONGEST_LABEL {
            return self.node.clone();
        }
        hash(&self.node, 16)
    }

    fn pod_uid(&self) -> Option<&str> {
        self.pod.as_ref().map(|(_, uid)| uid.as_str())
    }
}

/// The object without its status.
pub(super) fn object(name: &str, content: &L2Status, author: &Author) -> ServiceL2Status {
    let mut annotations = BTreeMap::new();
    if !content.announces.is_empty() {
        annotations.insert(ANNOUNCES.to_owned(), write(&content.announces));
    }
    if !content.conflicts.is_empty() {
        annotations.insert(CONFLICTS.to_owned(), write(&content.conflicts));
    }
    if !content.unannounced.is_empty() {
        annotations.insert(
            UNANNOUNCED.to_owned(),
            write_unannounced(&content.unannounced),
        );
    }
    let labels = [
        (NODE_LABEL, author.label()),
        (SERVICE_NAME_LABEL, content.service.name.clone()),
        (SERVICE_NAMESPACE_LABEL, content.service.namespace.clone()),
    ];
    let owner = author.pod.iter().map(|(name, uid)| OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: name.clone(),
        uid: uid.clone(),
        ..OwnerReference::default()
    });
    let mut object = ServiceL2Status::new(name, ServiceL2StatusSpec {});
    object.metadata.labels = Some(labels.map(|(key, value)| (key.to_owned(), value)).into());
    object.metadata.annotations = Some(annotations);
    object.metadata.owner_references = Some(owner.collect());
    object
}

/// The object with nothing but its status.
pub(super) fn status(name: &str, content: &L2Status, author: &Author) -> ServiceL2Status {
    let named = |name: &String| InterfaceInfo {
        name: Some(name.clone()),
    };
    let mut object = ServiceL2Status::new(name, ServiceL2StatusSpec {});
    object.status = Some(ServiceL2StatusStatus {
        node: Some(author.node.clone()),
        service_name: Some(content.service.name.clone()),
        service_namespace: Some(content.service.namespace.clone()),
        interfaces: content.interfaces.iter().map(named).collect(),
    });
    object
}

/// The content of an object of this author; `None` if the object is not as the
/// author would have written it, so that it has to be written again.
pub(super) fn read(object: DynamicObject, author: &Author) -> Option<L2Status> {
    let object: ServiceL2Status = object.try_parse().ok()?;
    let owners = object.owner_references();
    let owned_by = owners.first().map(|owner| owner.uid.as_str());
    if owners.len() > 1 || owned_by != author.pod_uid() {
        return None;
    }
    let conflicts = read_conflicts(annotation(&object, CONFLICTS));
    let conflicts = conflicts
        .iter()
        .map(|(ip, mac)| Some((*ip, mac.parse().ok()?)));
    let conflicts = conflicts.collect::<Option<_>>()?;
    let announces = read_announces(annotation(&object, ANNOUNCES));
    let unannounced = read_unannounced(annotation(&object, UNANNOUNCED));
    let status = object
        .status
        .filter(|status| status.node.as_ref() == Some(&author.node))?;
    Some(L2Status {
        service: ObjectKey {
            namespace: status.service_namespace?,
            name: status.service_name?,
        },
        announces,
        conflicts,
        unannounced,
        interfaces: status
            .interfaces
            .into_iter()
            .filter_map(|one| one.name)
            .collect(),
    })
}

/// An annotation's text; empty without one.
pub(super) fn annotation<'a>(object: &'a impl ResourceExt, name: &str) -> &'a str {
    let text = object.annotations().get(name);
    text.map(String::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;

    use super::{Author, ServiceL2Status, object, read, status};
    use crate::report::l2_status::L2Status;
    use ferrolb_core::ineligible::{Ineligible, Unannounced};
    use ferrolb_core::key::ObjectKey;
    use ferrolb_core::mac::Mac;

    fn author(pod: Option<&str>) -> Author {
        Author {
            node: "node-1".to_owned(),
            pod: pod.map(|uid| ("speaker-x".to_owned(), uid.to_owned())),
        }
    }

    fn content() -> L2Status {
        let reasons = [("node-1".to_owned(), Ineligible::NoEndpoint)].into();
        let ip = |last: u8| format!("192.0.2.{last}").parse().unwrap();
        L2Status {
            service: ObjectKey {
                namespace: "default".to_owned(),
                name: "web".to_owned(),
            },
            announces: [(ip(1), 7)].into(),
            conflicts: [(ip(2), Mac([2, 0, 0, 0, 0, 9]))].into(),
            unannounced: [(ip(3), Unannounced::new(&reasons, false))].into(),
            interfaces: ["eth0".to_owned()].into(),
        }
    }

    /// The object as the API server would hold it.
    fn stored(author: &Author) -> ServiceL2Status {
        ServiceL2Status {
            status: status("l2-x", &content(), author).status,
            ..object("l2-x", &content(), author)
        }
    }

    fn read_back(stored: &ServiceL2Status, by: &Author) -> Option<L2Status> {
        let stored = serde_json::to_value(stored).unwrap();
        let object: DynamicObject = serde_json::from_value(stored).unwrap();
        read(object, by)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for author in [author(None), author(Some("u1"))] {
            assert_eq!(read_back(&stored(&author), &author), Some(content()));
        }
    }

    #[test]
    fn an_object_of_another_pod_or_without_status_is_written_again() {
        let before = stored(&author(Some("u1")));
        assert_eq!(read_back(&before, &author(Some("u2"))), None);
        let bare = object("l2-x", &content(), &author(None));
        assert_eq!(read_back(&bare, &author(None)), None);
    }

    #[test]
    fn a_long_node_name_is_a_valid_label_all_the_same() {
        let long = Author {
            node: "n".repeat(253),
            pod: None,
        };
        assert!(long.label().len() <= 63);
        assert_eq!(author(None).label(), "node-1");
    }
}
