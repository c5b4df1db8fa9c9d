//! Writes Service statuses, many at a time up to a limit.
//!
//! Each write names the version it was decided from, so the API server refuses
//! it if another client, such as another controller, has changed the Service since.
//! None is sent, and none is waited for, after the Lease ends.

use std::time::Duration;

use ferrolb_core::names::{ALLOCATED, ANNOUNCED, CONTROLLER};
use ferrolb_core::text::Chain;
use futures::FutureExt;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::leadership::{Leadership, NoAnswer, while_leading};
use super::queue::Queue;
use super::view;
use crate::decide::ConditionChange;
use crate::reconcile::{StatusWrite, Written};
use crate::service::{Condition, ObservedCondition};

/// The longest wait for a single write.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Status writes, queued and in flight.
pub struct StatusWriter(Queue<StatusWrite, (StatusWrite, Written)>);

impl StatusWriter {
    /// A writer with at most `limit` writes in flight.
    #[must_use]
    pub fn new(client: Client, leadership: watch::Receiver<Leadership>, limit: usize) -> Self {
        Self(Queue::new(limit, move |write| {
            send(client.clone(), leadership.clone(), write).boxed()
        }))
    }

    /// Queues a write.
    pub fn push(&mut self, write: StatusWrite) {
        self.0.push(write);
    }

    /// Whether a low-priority write would delay no other.
    #[must_use]
    pub fn has_spare_capacity(&self) -> bool {
        self.0.has_spare_capacity()
    }

    /// Whether no write is queued or in flight.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.is_idle()
    }

    /// The next write that ended; pending while none is in flight.
    pub async fn next(&mut self) -> (StatusWrite, Written) {
        self.0.next().await
    }

    /// Aborts everything.
    pub fn abort(&mut self) {
        self.0.abort();
    }

    /// Starts no more writes, and waits for those in flight.
    pub async fn finish(&mut self) {
        self.0.finish().await;
    }
}

async fn send(
    client: Client,
    leadership: watch::Receiver<Leadership>,
    write: StatusWrite,
) -> (StatusWrite, Written) {
    let request = patch(client, &write);
    let written = match while_leading(&leadership, REQUEST_TIMEOUT, request).await {
        Ok(result) => judge(&write, result),
        Err(NoAnswer::NotLeading) => Written::Failed,
        Err(NoAnswer::TimedOut) => {
            tracing::warn!(service = %write.key, "status write timed out; retrying");
            Written::Failed
        }
    };
    (write, written)
}

async fn patch(client: Client, write: &StatusWrite) -> kube::Result<Service> {
    let services: Api<Service> = Api::namespaced(client, &write.key.namespace);
    let params = PatchParams {
        field_manager: Some(CONTROLLER.to_owned()),
        ..PatchParams::default()
    };
    services
        .patch_status(
            &write.key.name,
            &params,
            &Patch::Strategic(body(write, Timestamp::now())),
        )
        .await
}

/// A strategic merge patch: other controllers' conditions stay as they are.
fn body(write: &StatusWrite, now: Timestamp) -> Value {
    let entry = |ip: &std::net::IpAddr| json!({"ip": ip, "ipMode": "VIP"});
    let ingress: Vec<Value> = write.addresses.iter().map(entry).collect();
    let mut status = json!({"loadBalancer": {"ingress": ingress}});
    let conditions = [
        (
            ALLOCATED,
            &write.allocated,
            write.observed_allocated.as_ref(),
        ),
        (
            ANNOUNCED,
            &write.announced,
            write.observed_announced.as_ref(),
        ),
    ];
    let conditions = conditions
        .into_iter()
        .filter_map(|(kind, say, shown)| match say {
            ConditionChange::Keep => None,
            ConditionChange::Remove => Some(json!({"type": kind, "$patch": "delete"})),
            ConditionChange::Set(condition) => Some(condition_entry(kind, condition, shown, now)),
        });
    let conditions: Vec<Value> = conditions.collect();
    if !conditions.is_empty() {
        status["conditions"] = Value::Array(conditions);
    }
    json!({
        "metadata": {"uid": write.uid, "resourceVersion": write.version},
        "status": status,
    })
}

/// `lastTransitionTime` changes only with the condition's status.
fn condition_entry(
    kind: &str,
    condition: &Condition,
    shown: Option<&ObservedCondition>,
    now: Timestamp,
) -> Value {
    let unchanged = shown.filter(|shown| shown.status == condition.status);
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "type": kind,
        "status": condition.status.as_str(),
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": unchanged.map_or(now, |shown| shown.since.clone()),
    })
}

fn judge(write: &StatusWrite, result: kube::Result<Service>) -> Written {
    match result {
        Ok(service) => Written::Done(Box::new(view::service(&service))),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
            tracing::debug!(service = %write.key, reason = status.message, "status write refused: the Service has changed");
            Written::Outdated
        }
        Err(error) => {
            tracing::warn!(service = %write.key, error = %Chain(&error), "status write failed; retrying");
            Written::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use ferrolb_core::key::ObjectKey;

    use super::{StatusWrite, body};
    use crate::decide::ConditionChange;
    use crate::service::ConditionStatus::{self, False, True, Unknown};
    use crate::service::{Condition, ObservedCondition};

    fn write(condition: ConditionChange) -> StatusWrite {
        StatusWrite {
            key: ObjectKey {
                namespace: "n".to_owned(),
                name: "s".to_owned(),
            },
            uid: "u".to_owned(),
            version: "7".to_owned(),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            allocated: condition,
            observed_allocated: Some(ObservedCondition {
                status: False,
                reason: "NoAddressAvailable".to_owned(),
                message: String::new(),
                since: "2001-01-01T00:00:00Z".to_owned(),
            }),
            announced: ConditionChange::Keep,
            observed_announced: None,
        }
    }

    fn condition(status: ConditionStatus) -> ConditionChange {
        ConditionChange::Set(Condition {
            status,
            reason: "R",
            message: "m".to_owned(),
        })
    }

    #[test]
    fn a_write_is_bound_to_the_version_it_was_decided_from() {
        let expected = json!({
            "metadata": {"uid": "u", "resourceVersion": "7"},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "VIP"}]}},
        });
        assert_eq!(
            body(&write(ConditionChange::Keep), Timestamp::UNIX_EPOCH),
            expected
        );
    }

    #[test]
    fn both_conditions_go_out_in_one_write_and_one_can_be_taken_away() {
        let write = StatusWrite {
            announced: ConditionChange::Remove,
            ..write(condition(True))
        };
        let conditions = &body(&write, Timestamp::UNIX_EPOCH)["status"]["conditions"];
        assert_eq!(conditions[0]["type"], "ferrolb.io/Allocated");
        let gone = json!({"type": "ferrolb.io/Announced", "$patch": "delete"});
        assert_eq!(conditions[1], gone);
    }

    #[test]
    fn the_condition_keeps_its_time_unless_its_status_changes() {
        let time = |status| {
            let body = body(&write(condition(status)), Timestamp::UNIX_EPOCH);
            body["status"]["conditions"][0]["lastTransitionTime"].clone()
        };
        assert_eq!(time(False), "2001-01-01T00:00:00Z");
        assert_eq!(time(True), "1970-01-01T00:00:00Z");
        assert_eq!(time(Unknown), "1970-01-01T00:00:00Z");
    }
}
