//! Claims about the controller under fire: addresses given once stay, and none
//! is given twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM, say, service};

const BATCHES: usize = 5;
const BATCH: usize = 10;
/// The selector of the fifty; that nothing matches it is all the same here.
const MARK: &str = "fifty";
/// The label by which the fifty are removed again.
const LABEL: &str = "ferrolb-suite";

pub(crate) fn fifty_services_keep_their_addresses(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    let mut ledger = Ledger::default();
    let mut killed = 0;
    for batch in 0..BATCHES {
        fixture.apply(&services(batch))?;
        // In the midst of the batch, when some have an address.
        wait_for(fixture, &mut ledger, batch * BATCH + 1)?;
        killed += kill_controllers(fixture)?;
        ledger.look(fixture)?;
    }
    wait_for(fixture, &mut ledger, BATCHES * BATCH)?;
    killed += kill_controllers(fixture)?;
    fixture.settle()?;
    ledger.look(fixture)?;
    say(&format!(
        "{} Services hold their addresses after {killed} controllers were killed",
        ledger.holders.len()
    ));
    let mark = format!("--selector={LABEL}={MARK}");
    fixture
        .lab
        .kubectl(["-n", NAMESPACE, "delete", "services", &mark])?;
    Ok(())
}

fn services(batch: usize) -> Value {
    let one = |index: usize| {
        let mut item = service(&format!("{MARK}-{batch}-{index}"), MARK, "Cluster");
        item["metadata"]["labels"] = json!({ LABEL: MARK });
        item
    };
    let items: Vec<Value> = (0..BATCH).map(one).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// Waits until so many have an address, and judges every look on the way.
fn wait_for(fixture: &Fixture, ledger: &mut Ledger, count: usize) -> Result<(), Failure> {
    let broken = fixture.wait(&format!("{count} Services with an address"), || {
        // A broken ledger ends the wait; more looks would not mend it.
        match ledger.look(fixture) {
            Err(broken) => Ok(Some(broken)),
            Ok(()) if ledger.holders.len() >= count => Ok(None),
            Ok(()) => Err(Failure::new(format!("{} have one", ledger.holders.len()))),
        }
    })?;
    broken.map_or(Ok(()), Err)
}

/// Kills every controller process without warning, then removes the pods, so
/// that new ones start at once instead of after a back-off that grows.
fn kill_controllers(fixture: &Fixture) -> Result<usize, Failure> {
    fixture.read_logs()?;
    // Those killed before may all be gone, and the new ones not yet started.
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

/// Who was ever seen to hold which address.
#[derive(Default)]
struct Ledger {
    holders: BTreeMap<String, String>,
}

impl Ledger {
    /// Reads all Services and compares with what was seen before.
    fn look(&mut self, fixture: &Fixture) -> Result<(), Failure> {
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
                    "{address} is held by {other} and by {service}"
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

/// Service name to first address, of those that have one.
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
