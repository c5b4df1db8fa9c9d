//! The way of an announcement: from the owner on the wire through the speaker's
//! object to the condition on the Service.

use std::net::Ipv4Addr;
use std::time::Duration;

use ferrolb_lab::lab::How;
use ferrolb_lab::observe;
use ferrolb_lab::plan;
use serde_json::Value;

use crate::advertisements::{advertise, advertise_all, at_peace, on_node};
use crate::failure::{Broken, ensure};
use crate::fixture::{NAMESPACE, SYSTEM, Stage};

const PATIENCE: Duration = Duration::from_secs(30);
/// The Service these claims are about, with a pod on every node.
const SERVICE: &str = "echo";

pub(crate) fn a_service_names_its_owner_before_and_after_a_move(
    stage: &Stage,
) -> Result<(), Broken> {
    stage.settle()?;
    let ip = observe::wait_for_ip(&stage.lab, NAMESPACE, SERVICE)?;
    let first = owner_as_said(stage, ip)?;
    stage.read_logs()?;
    for pod in stage.pods("speaker", Some(first))? {
        stage.lab.kubectl(["-n", SYSTEM, "delete", &pod])?;
    }
    stage.wait("another node to be named", || {
        let text = announced(stage, SERVICE)?;
        let named = text.contains(&format!("{} ", plan::node_name(first)));
        ensure(!named, || text)
    })?;
    owner_as_said(stage, ip)?;
    stage.settle()
}

/// The node's own word that it announces stays when it dies, and nobody else
/// may announce.
pub(crate) fn a_service_whose_only_node_died_is_in_doubt(stage: &Stage) -> Result<(), Broken> {
    let (ip, owner) = at_peace(stage)?;
    advertise(stage, &format!("nodeSelectors: [{}]", on_node(owner)))?;
    owner_as_said(stage, ip)?;
    stage.lab.fail(owner, How::Power)?;
    let expected = format!("Unknown NodeNotReady {ip} by {} (", plan::node_name(owner));
    let doubted = stage.wait("the condition to be in doubt", || {
        let text = announced(stage, SERVICE)?;
        ensure(text.starts_with(&expected), || text)
    });
    stage.lab.heal(owner)?;
    let again = owner_as_said(stage, ip);
    advertise_all(stage)?;
    doubted?;
    ensure(again? == owner, || format!("{ip} has moved"))?;
    stage.settle()
}

/// Waits until the condition names the node that answers on the wire.
fn owner_as_said(stage: &Stage, ip: Ipv4Addr) -> Result<u8, Broken> {
    let mut owner = 0;
    stage.wait("the condition to name the owner", || {
        owner = observe::wait_for_one_owner(&stage.lab, ip, PATIENCE)?;
        let text = announced(stage, SERVICE)?;
        let expected = format!("{ip} by {} (", plan::node_name(owner));
        ensure(text.starts_with("True") && text.contains(&expected), || {
            format!("{text:?} does not say {expected:?}")
        })
    })?;
    Ok(owner)
}

/// Status, reason and message of the condition `Announced`; empty without one.
pub(crate) fn announced(stage: &Stage, service: &str) -> Result<String, Broken> {
    let get = ["-n", NAMESPACE, "get", "service", service, "-ojson"];
    let service: Value = serde_json::from_str(&stage.lab.kubectl(get)?)?;
    let conditions = service["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let ours = conditions.find(|c| c["type"] == ferrolb_core::names::ANNOUNCED);
    let words = |c: &Value| {
        let words = ["status", "reason", "message"].map(|name| c[name].as_str());
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    Ok(ours.map(words).unwrap_or_default())
}
