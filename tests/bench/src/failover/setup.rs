//! Setting the speakers up for a row, and back.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use ferrolb_lab::plan::{self, Network};
use ferrolb_lab::{files, tools};
use serde_json::{Value, json};

use super::keepalived::{self, Keepalived};
use super::rows::{Row, Setup};
use super::trial::Environment;
use crate::testbed::{SYSTEM, Testbed};

/// The speakers' workload.
const SPEAKERS: &str = "daemonset/ferrolb-speaker";
/// The second NIC of a node.
const SECOND: &str = "eth1";
/// The port of the Services' UDP.
const UDP: u16 = 82;

/// A row's environment, and what runs beside it.
pub(super) struct Prepared<'a> {
    pub(super) environment: Environment<'a>,
    /// Stopped when the row is over.
    keepalived: Option<Keepalived>,
}

/// Sets up.
pub(super) fn enter(testbed: &Testbed, row: Row) -> Result<Prepared<'_>> {
    let mut keepalived = None;
    match row.setup() {
        Setup::Default => {}
        Setup::Fast => profile(testbed, "FERROLB_PROFILE=fast")?,
        Setup::SecondNic => plug(testbed)?,
        Setup::SecondNetwork => second_network(testbed)?,
        Setup::WithoutApi => testbed.lab.kill("api")?,
        Setup::Keepalived(every) => keepalived = Some(Keepalived::start(testbed, every)?),
    }
    let ip: IpAddr = match row {
        Row::Keepalived | Row::KeepalivedFast => keepalived::IP.into(),
        Row::Link6 => testbed.v6,
        _ => testbed.v4.into(),
    };
    let watcher = match ip {
        IpAddr::V4(ip) => Some(testbed.watch(ip)?),
        IpAddr::V6(_) => None,
    };
    let environment = Environment {
        testbed,
        target: SocketAddr::new(ip, UDP),
        watcher,
        speakers: keepalived.is_none(),
    };
    Ok(Prepared {
        environment,
        keepalived,
    })
}

/// Restores the defaults.
pub(super) fn leave(prepared: Prepared<'_>, row: Row) -> Result<()> {
    let testbed = prepared.environment.testbed;
    drop(prepared.keepalived);
    match row.setup() {
        Setup::Default | Setup::Keepalived(_) => Ok(()),
        Setup::Fast => profile(testbed, "FERROLB_PROFILE-"),
        Setup::SecondNic => unplug(testbed),
        Setup::SecondNetwork => one_network(testbed),
        Setup::WithoutApi => {
            testbed.lab.restart("api")?;
            testbed.wait_until_ready()
        }
    }
}

/// Sets a variable of the speakers, or removes it (`NAME-`).
fn profile(testbed: &Testbed, variable: &str) -> Result<()> {
    let set = ["-n", SYSTEM, "set", "env", SPEAKERS, variable];
    testbed.lab.kubectl(set)?;
    testbed.wait_until_ready()
}

/// Gives every node a NIC on the spare network.
fn plug(testbed: &Testbed) -> Result<()> {
    for node in 1..=testbed.nodes() {
        testbed.lab.plug(node, SECOND)?;
    }
    Ok(())
}

fn unplug(testbed: &Testbed) -> Result<()> {
    for node in 1..=testbed.nodes() {
        testbed.lab.unplug(node, SECOND)?;
    }
    Ok(())
}

/// Gives every node a NIC on the spare network and moves gossip there. Each speaker
/// needs an address of its own, so each gets a DaemonSet of its own.
fn second_network(testbed: &Testbed) -> Result<()> {
    let lab = &testbed.lab;
    let all = lab.kubectl(["-n", SYSTEM, "get", SPEAKERS, "-ojson"])?;
    let all: Value =
        serde_json::from_str(&all).context("cannot parse the DaemonSet of the speakers")?;
    lab.kubectl(["-n", SYSTEM, "delete", SPEAKERS])?;
    plug(testbed)?;
    for node in 1..=testbed.nodes() {
        let file = lab.dirs().file(&format!("speaker-{node}.json"));
        files::write_json(&file, &speaker_of(&all, node)?)?;
        lab.kubectl(["apply", "-f", &file.display().to_string()])?;
    }
    for node in 1..=testbed.nodes() {
        let name = format!("{SPEAKERS}-{node}");
        lab.kubectl(["-n", SYSTEM, "rollout", "status", &name, "--timeout=120s"])?;
    }
    Ok(())
}

/// The speakers' DaemonSet for one node alone, gossiping on the spare network.
fn speaker_of(all: &Value, node: u8) -> Result<Value> {
    let mut one = json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": { "name": format!("ferrolb-speaker-{node}"), "namespace": SYSTEM },
        "spec": {
            "selector": all["spec"]["selector"],
            "template": all["spec"]["template"],
        },
    });
    let alone = json!(node.to_string());
    one["spec"]["selector"]["matchLabels"]["bench-node"] = alone.clone();
    one["spec"]["template"]["metadata"]["labels"]["bench-node"] = alone;
    one["spec"]["template"]["spec"]["nodeSelector"] =
        json!({ "kubernetes.io/hostname": plan::node_name(node) });
    let env = one["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array_mut()
        .context("the speakers have no environment variables")?;
    let address = Network::Spare.v4(plan::node_host(node));
    for variable in env
        .iter_mut()
        .filter(|variable| variable["name"] == "FERROLB_GOSSIP_ADDRESS")
    {
        *variable = json!({ "name": "FERROLB_GOSSIP_ADDRESS", "value": address });
    }
    Ok(one)
}

fn one_network(testbed: &Testbed) -> Result<()> {
    let lab = &testbed.lab;
    for node in 1..=testbed.nodes() {
        let name = format!("{SPEAKERS}-{node}");
        lab.kubectl(["-n", SYSTEM, "delete", &name])?;
    }
    unplug(testbed)?;
    let manifests = tools::checkout().join("deploy").display().to_string();
    lab.kubectl(["apply", "-k", &manifests])?;
    testbed.wait_until_ready()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_of_one_node_is_selected_and_addressed_alone() {
        let all = json!({ "spec": {
            "selector": { "matchLabels": { "a": "b" } },
            "template": {
                "metadata": { "labels": { "a": "b" } },
                "spec": { "containers": [{ "env": [
                    { "name": "FERROLB_NODE_NAME", "valueFrom": {} },
                    { "name": "FERROLB_GOSSIP_ADDRESS", "valueFrom": {} },
                ] }] },
            },
        } });
        let one = speaker_of(&all, 2).unwrap();
        let template = &one["spec"]["template"];
        assert_eq!(
            one["spec"]["selector"]["matchLabels"],
            template["metadata"]["labels"]
        );
        assert_eq!(template["metadata"]["labels"]["bench-node"], "2");
        let env = &template["spec"]["containers"][0]["env"];
        assert_eq!(env[1]["value"], "10.79.0.12");
        assert_eq!(
            env[0],
            all["spec"]["template"]["spec"]["containers"][0]["env"][0]
        );
    }
}
