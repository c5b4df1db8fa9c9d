//! A testimony as a `ServiceL2Status` object, and back. Pure.

use std::collections::BTreeMap;

use ferrolb_core::announcement::{
    ANNOUNCES, CONFLICTS, NODE_LABEL, SERVICE_NAME_LABEL, SERVICE_NAMESPACE_LABEL, read_announces,
    read_conflicts, write,
};
use ferrolb_core::key::ObjectKey;
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::report::l2_status::{L2Status, hash};

/// The API of the objects.
pub(super) const GROUP: &str = "metallb.io";
pub(super) const VERSION: &str = "v1beta1";
pub(super) const KIND: &str = "ServiceL2Status";
pub(super) const PLURAL: &str = "servicel2statuses";

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
pub(super) fn object(name: &str, testimony: &L2Status, author: &Author) -> Value {
    let mut annotations = BTreeMap::new();
    if !testimony.announces.is_empty() {
        annotations.insert(ANNOUNCES, write(&testimony.announces));
    }
    if !testimony.conflicts.is_empty() {
        annotations.insert(CONFLICTS, write(&testimony.conflicts));
    }
    let owner = author
        .pod
        .iter()
        .map(|(name, uid)| json!({ "apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid }));
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": KIND,
        "metadata": {
            "name": name,
            "labels": {
                NODE_LABEL: author.label(),
                SERVICE_NAME_LABEL: testimony.service.name,
                SERVICE_NAMESPACE_LABEL: testimony.service.namespace,
            },
            "annotations": annotations,
            "ownerReferences": owner.collect::<Vec<_>>(),
        },
        "spec": {},
    })
}

/// The object with nothing but its status.
pub(super) fn status(name: &str, testimony: &L2Status, author: &Author) -> Value {
    let interfaces = testimony.interfaces.iter();
    let interfaces: Vec<_> = interfaces.map(|name| json!({ "name": name })).collect();
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": KIND,
        "metadata": { "name": name },
        "status": {
            "node": author.node,
            "serviceName": testimony.service.name,
            "serviceNamespace": testimony.service.namespace,
            "interfaces": interfaces,
        },
    })
}

/// What an object of this author says; none if it is not as the author would
/// have written it, so that it has to be written anew.
pub(super) fn read(object: &DynamicObject, author: &Author) -> Option<L2Status> {
    let owners = object.owner_references();
    let owned_by = owners.first().map(|owner| owner.uid.as_str());
    if owners.len() > 1 || owned_by != author.pod_uid() {
        return None;
    }
    let status = object.data.get("status")?;
    let text = |field: &str| status.get(field)?.as_str().map(str::to_owned);
    if text("node")? != author.node {
        return None;
    }
    let named = |interface: &Value| Some(interface.get("name")?.as_str()?.to_owned());
    let interfaces = status.get("interfaces").and_then(Value::as_array);
    let conflicts = read_conflicts(annotation(object, CONFLICTS));
    let conflicts = conflicts
        .iter()
        .map(|(ip, mac)| Some((*ip, mac.parse().ok()?)));
    Some(L2Status {
        service: ObjectKey {
            namespace: text("serviceNamespace")?,
            name: text("serviceName")?,
        },
        announces: read_announces(annotation(object, ANNOUNCES)),
        conflicts: conflicts.collect::<Option<_>>()?,
        interfaces: interfaces.into_iter().flatten().filter_map(named).collect(),
    })
}

/// An annotation's text; empty without one.
pub(super) fn annotation<'a>(object: &'a DynamicObject, name: &str) -> &'a str {
    let text = object.annotations().get(name);
    text.map(String::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;
    use serde_json::Value;

    use super::{Author, object, read, status};
    use crate::report::l2_status::L2Status;
    use ferrolb_core::key::ObjectKey;
    use ferrolb_core::mac::Mac;

    fn author(pod: Option<&str>) -> Author {
        Author {
            node: "node-1".to_owned(),
            pod: pod.map(|uid| ("speaker-x".to_owned(), uid.to_owned())),
        }
    }

    fn testimony() -> L2Status {
        let ip = |last: u8| format!("192.0.2.{last}").parse().unwrap();
        L2Status {
            service: ObjectKey {
                namespace: "default".to_owned(),
                name: "web".to_owned(),
            },
            announces: [(ip(1), 7)].into(),
            conflicts: [(ip(2), Mac([2, 0, 0, 0, 0, 9]))].into(),
            interfaces: ["eth0".to_owned()].into(),
        }
    }

    /// The object as the API server would hold it.
    fn stored(author: &Author) -> Value {
        let mut stored = object("l2-x", &testimony(), author);
        stored["status"] = status("l2-x", &testimony(), author)["status"].take();
        stored
    }

    fn read_back(stored: Value, by: &Author) -> Option<L2Status> {
        let object: DynamicObject = serde_json::from_value(stored).unwrap();
        read(&object, by)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for author in [author(None), author(Some("u1"))] {
            assert_eq!(read_back(stored(&author), &author), Some(testimony()));
        }
    }

    #[test]
    fn an_object_of_another_pod_or_without_status_is_written_anew() {
        let before = stored(&author(Some("u1")));
        assert_eq!(read_back(before, &author(Some("u2"))), None);
        let bare = object("l2-x", &testimony(), &author(None));
        assert_eq!(read_back(bare, &author(None)), None);
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
