//! Claims about why an IP is not announced: the condition `Announced`, `/state` of a
//! speaker and its gauge report the same reason.

use std::net::Ipv4Addr;

use ferrolb_lab::observe;
use ferrolb_lab::plan;
use serde_json::Value;

use crate::advertisements::settled_service;
use crate::announced::announced;
use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM, service};

const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// All nodes are excluded by label: the condition names them, and so does each speaker.
pub(crate) fn excluded_nodes_are_named(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, _) = settled_service(fixture)?;
    let label = |label: &str| fixture.lab.kubectl(["label", "nodes", "--all", label]);
    label(&format!("{EXCLUDE_LABEL}=true"))?;
    let named = wait_for_reason(fixture, "echo", "NoEligibleNode", "exclude label on", ip);
    let shown = check_state(fixture, ip, "NoEligibleNode");
    let counted = check_gauge(fixture, "no_eligible_node");
    label(&format!("{EXCLUDE_LABEL}-"))?;
    named?;
    shown?;
    counted?;
    fixture.wait("the condition to be True again", || {
        let text = announced(fixture, "echo")?;
        ensure(text.starts_with("True Announced"), || text)
    })
}

pub(crate) fn a_service_without_endpoints_has_that_reason(
    fixture: &Fixture,
) -> Result<(), Failure> {
    fixture.settle()?;
    fixture.apply(&service("idle", "nothing-has-this-name", "Cluster"))?;
    let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, "idle")?;
    let named = wait_for_reason(fixture, "idle", "NoEndpoint", "no endpoint on", ip);
    let delete = ["-n", NAMESPACE, "delete", "service", "idle"];
    fixture.lab.kubectl(delete)?;
    named
}

/// Waits until the condition has a reason and names all nodes, or the first three.
fn wait_for_reason(
    fixture: &Fixture,
    service: &str,
    reason: &str,
    phrase: &str,
    ip: Ipv4Addr,
) -> Result<(), Failure> {
    let nodes = fixture.lab.nodes();
    let names = (1..=nodes.min(3)).map(plan::node_name);
    let names = names.collect::<Vec<_>>().join(", ");
    let more = if nodes > 3 { ", …" } else { "" };
    let expected =
        format!("False {reason} {ip} is not announced: {phrase} {nodes} nodes ({names}{more})");
    fixture.wait("the condition to name reason and nodes", || {
        let text = announced(fixture, service)?;
        ensure(text == expected, || format!("{text:?} is not {expected:?}"))
    })
}

/// What a page of each speaker shows.
fn pages(fixture: &Fixture, page: &str) -> Result<Vec<String>, Failure> {
    let mut pages = Vec::new();
    for pod in fixture.pods("speaker", None)? {
        let pod = pod.trim_start_matches("pod/");
        let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{pod}:9617/proxy/{page}");
        pages.push(fixture.lab.kubectl(["get", "--raw", &path])?);
    }
    Ok(pages)
}

/// Each speaker shows the IP without an owner, with the reason of each node.
fn check_state(fixture: &Fixture, ip: Ipv4Addr, reason: &str) -> Result<(), Failure> {
    for page in pages(fixture, "state")? {
        let state: Value = serde_json::from_str(&page)?;
        let ips = state["ips"].as_array();
        let shown = ips
            .into_iter()
            .flatten()
            .find(|it| it["ip"] == ip.to_string());
        let right = shown.is_some_and(|it| {
            let nodes = it["ineligible"].as_object().map_or(0, serde_json::Map::len);
            it["owner"].is_null()
                && it["reason"] == reason
                && nodes == usize::from(fixture.lab.nodes())
        });
        ensure(right, || format!("/state shows {shown:?}"))?;
    }
    Ok(())
}

/// The speakers together count at least one IP with this reason.
fn check_gauge(fixture: &Fixture, reason: &str) -> Result<(), Failure> {
    let name = format!("ferrolb_speaker_unannounced_ips{{reason=\"{reason}\"}} ");
    let mut total = 0;
    for page in pages(fixture, "metrics")? {
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        let count = line.and_then(|text| text.trim().parse::<u32>().ok());
        total += count.ok_or_else(|| Failure::new(format!("no metric {name}")))?;
    }
    ensure(total > 0, || "no speaker counts the IP".to_owned())
}
