//! Claims about the condition `Announced`: it follows the owner on the LAN, through the
//! speaker's status object.

use std::net::Ipv4Addr;
use std::time::Duration;

use ferrolb_lab::lab::FailureMode;
use ferrolb_lab::observe;
use ferrolb_lab::plan;
use serde_json::Value;

use crate::advertisements::{advertise, advertise_all, on_node, settled_service};
use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The Service of these claims, with a pod on every node.
const SERVICE: &str = "echo";

pub(crate) fn a_service_names_its_owner_before_and_after_a_move(
    fixture: &Fixture,
) -> Result<(), Failure> {
    fixture.settle()?;
    let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, SERVICE)?;
    let first = wait_until_condition_names_owner(fixture, ip)?;
    fixture.read_logs()?;
    for pod in fixture.pods("speaker", Some(first))? {
        fixture.lab.kubectl(["-n", SYSTEM, "delete", &pod])?;
    }
    fixture.wait("the condition to name another node", || {
        let text = announced(fixture, SERVICE)?;
        let named = text.contains(&format!("{} ", plan::node_name(first)));
        ensure(!named, || text)
    })?;
    wait_until_condition_names_owner(fixture, ip)?;
    fixture.settle()
}

/// The status object of a failed node remains, and no other node may announce.
pub(crate) fn announced_is_unknown_when_the_only_node_has_failed(
    fixture: &Fixture,
) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    advertise(fixture, &format!("nodeSelectors: [{}]", on_node(owner)))?;
    wait_until_condition_names_owner(fixture, ip)?;
    fixture.lab.fail(owner, FailureMode::Power)?;
    let expected = format!("Unknown NodeNotReady {ip} by {} (", plan::node_name(owner));
    let unknown = fixture.wait("the condition to become Unknown", || {
        let text = announced(fixture, SERVICE)?;
        ensure(text.starts_with(&expected), || text)
    });
    fixture.lab.heal(owner)?;
    let again = wait_until_condition_names_owner(fixture, ip);
    advertise_all(fixture)?;
    unknown?;
    ensure(again? == owner, || format!("{ip} has moved"))?;
    fixture.settle()
}

/// Waits until the condition names the node that answers ARP.
fn wait_until_condition_names_owner(fixture: &Fixture, ip: Ipv4Addr) -> Result<u8, Failure> {
    let mut owner = 0;
    fixture.wait("the condition to name the owner", || {
        owner = observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT)?;
        let text = announced(fixture, SERVICE)?;
        let expected = format!("{ip} by {} (", plan::node_name(owner));
        ensure(text.starts_with("True") && text.contains(&expected), || {
            format!("{text:?} does not contain {expected:?}")
        })
    })?;
    Ok(owner)
}

/// Status, reason and message of the condition `Announced`; empty without one.
pub(crate) fn announced(fixture: &Fixture, service: &str) -> Result<String, Failure> {
    let get = ["-n", NAMESPACE, "get", "service", service, "-ojson"];
    let service: Value = serde_json::from_str(&fixture.lab.kubectl(get)?)?;
    let conditions = service["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let ours = conditions.find(|c| c["type"] == ferrolb_core::names::ANNOUNCED);
    let words = |c: &Value| {
        let words = ["status", "reason", "message"].map(|name| c[name].as_str());
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    Ok(ours.map(words).unwrap_or_default())
}
