//! Claims about a controller that is killed repeatedly: assigned addresses stay, and none
//! is assigned twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM, note, service};

const BATCHES: usize = 5;
const BATCH: usize = 10;
/// The name prefix and selector of the fifty Services; they need no endpoints.
const FIFTY: &str = "fifty";
/// The label by which they are deleted.
const LABEL: &str = "ferrolb-suite";

pub(crate) fn fifty_services_keep_their_addresses(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    let mut assignments = Assignments::default();
    let mut killed = 0;
    for batch in 0..BATCHES {
        fixture.apply(&services(batch))?;
        // In the middle of the batch, when some have an address.
        wait_for(fixture, &mut assignments, batch * BATCH + 1)?;
        killed += kill_controllers(fixture)?;
        assignments.observe(fixture)?;
    }
    wait_for(fixture, &mut assignments, BATCHES * BATCH)?;
    killed += kill_controllers(fixture)?;
    fixture.settle()?;
    assignments.observe(fixture)?;
    note(&format!(
        "{} Services have kept their addresses while {killed} controllers were killed",
        assignments.holders.len()
    ));
    let selector = format!("--selector={LABEL}={FIFTY}");
    fixture
        .lab
        .kubectl(["-n", NAMESPACE, "delete", "services", &selector])?;
    Ok(())
}

fn services(batch: usize) -> Value {
    let one = |index: usize| {
        let mut item = service(&format!("{FIFTY}-{batch}-{index}"), FIFTY, "Cluster");
        item["metadata"]["labels"] = json!({ LABEL: FIFTY });
        item
    };
    let items: Vec<Value> = (0..BATCH).map(one).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// Waits until `count` Services have an address, and checks every observation.
fn wait_for(fixture: &Fixture, assignments: &mut Assignments, count: usize) -> Result<(), Failure> {
    let failure = fixture.wait(&format!("{count} Services with an address"), || {
        // A violation ends the wait.
        match assignments.observe(fixture) {
            Err(failure) => Ok(Some(failure)),
            Ok(()) if assignments.holders.len() >= count => Ok(None),
            Ok(()) => Err(Failure::new(format!(
                "{} have an address",
                assignments.holders.len()
            ))),
        }
    })?;
    failure.map_or(Ok(()), Err)
}

/// Kills every controller process, then deletes the pods, so that new ones start at once
/// instead of after a growing back-off.
fn kill_controllers(fixture: &Fixture) -> Result<usize, Failure> {
    fixture.read_logs()?;
    // The pods killed before may have terminated, and the new ones not started yet.
    fixture.wait("a controller to kill", || {
        Ok(fixture.lab.kill("controller")?)
    })?;
    let pods = fixture.pods("controller", None)?;
    for pod in &pods {
        fixture.lab.kubectl([
            "-n",
            SYSTEM,
            "delete",
            pod,
            "--wait=false",
            "--ignore-not-found",
        ])?;
    }
    Ok(pods.len())
}

/// The Services observed so far, with their addresses.
#[derive(Default)]
struct Assignments {
    holders: BTreeMap<String, String>,
}

impl Assignments {
    /// Reads all Services and compares them with the previous observation.
    fn observe(&mut self, fixture: &Fixture) -> Result<(), Failure> {
        let listing = fixture
            .lab
            .kubectl(["get", "services", "--all-namespaces", "-ojson"])?;
        let listing: Value = serde_json::from_str(&listing)?;
        self.compare(&addresses(&listing))
    }

    fn compare(&mut self, now: &BTreeMap<String, String>) -> Result<(), Failure> {
        let mut by_address = BTreeMap::new();
        for (service, address) in now {
            if let Some(other) = by_address.insert(address, service) {
                return Err(Failure::new(format!(
                    "{address} is assigned to {other} and {service}"
                )));
            }
        }
        for (service, before) in &self.holders {
            let after = now.get(service);
            ensure(after == Some(before), || {
                format!("{service} had {before}, now {after:?}")
            })?;
        }
        self.holders = now.clone();
        Ok(())
    }
}

/// Service name to first address, for Services that have one.
fn addresses(listing: &Value) -> BTreeMap<String, String> {
    let items = listing["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let holder = |item: &Value| {
        let address = item["status"]["loadBalancer"]["ingress"][0]["ip"].as_str()?;
        let metadata = &item["metadata"];
        Some((
            format!("{}/{}", metadata["namespace"], metadata["name"]),
            address.to_owned(),
        ))
    };
    items.iter().filter_map(holder).collect()
}
