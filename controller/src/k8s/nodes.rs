//! Watches which Nodes are Ready.

use std::collections::BTreeSet;

use ferrolb_runtime::kube::{Change, watch_as};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, ResourceExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::input::{Input, send, watcher_config};

/// Watches them for ever.
pub(super) async fn readiness(api: Api<Node>, sender: mpsc::Sender<Input>) {
    let sink = |change| send(&sender, input(change));
    let never = CancellationToken::new();
    let cut = |object: Node| (object.name_any(), is_ready(&object));
    watch_as(api, watcher_config(), "Nodes' readiness", never, cut, sink).await;
}

fn input(change: Change<(String, bool)>) -> Input {
    match change {
        Change::Apply((name, ready)) => Input::Node(name, ready),
        Change::Delete((name, _)) => Input::Node(name, false),
        Change::Reset(all) => {
            let ready = all.into_iter().filter(|(_, ready)| *ready);
            Input::Nodes(ready.map(|(name, _)| name).collect::<BTreeSet<_>>())
        }
    }
}

/// Whether the condition `Ready` is `True`. It is `Unknown` once the node has
/// not been heard of for a while.
fn is_ready(object: &Node) -> bool {
    let status = object.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref());
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.any(|c| c.type_ == "Ready" && c.status == "True")
}

#[cfg(test)]
mod tests {
    use ferrolb_runtime::kube::Change;
    use serde_json::json;

    use super::{input, is_ready};
    use crate::k8s::input::Input;

    #[test]
    fn only_a_condition_ready_that_is_true_makes_a_node_ready() {
        let ready = |status: &str| {
            let conditions = json!([
                {"type": "DiskPressure", "status": "True"},
                {"type": "Ready", "status": status},
            ]);
            let object = json!({"metadata": {"name": "n"}, "status": {"conditions": conditions}});
            is_ready(&serde_json::from_value(object).unwrap())
        };
        assert!(ready("True"));
        assert!(!ready("False"));
        assert!(!ready("Unknown"));
        let fresh = json!({"metadata": {"name": "n"}});
        assert!(!is_ready(&serde_json::from_value(fresh).unwrap()));
    }

    #[test]
    fn a_node_that_is_gone_is_not_ready() {
        let gone = input(Change::Delete(("n".to_owned(), true)));
        assert!(matches!(gone, Input::Node(name, false) if name == "n"));
        let all = vec![("a".to_owned(), true), ("b".to_owned(), false)];
        let listed = input(Change::Reset(all));
        assert!(matches!(listed, Input::Nodes(ready) if ready == ["a".to_owned()].into()));
    }
}
