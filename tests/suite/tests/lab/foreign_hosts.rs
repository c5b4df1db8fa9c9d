//! Claims about machines on the LAN that hold an address of a pool: here the
//! client.

use ferrolb_lab::observe;
use ferrolb_lab::plan::{self, Network};
use serde_json::json;

use crate::announced::announced;
use crate::failure::{Broken, ensure};
use crate::fixture::{NAMESPACE, Stage, configuration, service};

const SERVICE: &str = "squatted";
/// A pool of two addresses; the stranger holds the one that is given first.
const HELD: &str = "10.77.0.190";
const FREE: &str = "10.77.0.191";
/// Held by the stranger too, and asked for.
const ASKED: &str = "10.77.0.195";
const POOLS: &str = "- {name: squatted, addresses: [10.77.0.190-10.77.0.191], autoAssign: false}\n\
                     - {name: asked, addresses: [10.77.0.195/32], autoAssign: false}\n";

/// The client takes an address, or gives it back.
fn hold(stage: &Stage, verb: &str, address: &str) -> Result<(), Broken> {
    let prefix = format!("{address}/32");
    stage
        .lab
        .client(["ip", "address", verb, &prefix, "dev", "eth0"])?;
    Ok(())
}

fn create(stage: &Stage, wish: (&str, &str)) -> Result<(), Broken> {
    let mut object = service(SERVICE, "echo", "Cluster");
    object["metadata"]["annotations"] = json!({ wish.0: wish.1 });
    stage.apply(&object)
}

fn delete(stage: &Stage) -> Result<(), Broken> {
    stage
        .lab
        .kubectl(["-n", NAMESPACE, "delete", "service", SERVICE])?;
    stage.apply(&configuration(""))
}

fn wait_for_condition(stage: &Stage, expected: &[&str]) -> Result<(), Broken> {
    stage.wait("the condition", || {
        let text = announced(stage, SERVICE)?;
        let says = expected.iter().all(|word| text.contains(word));
        ensure(says, || format!("{text:?} does not say {expected:?}"))
    })
}

pub(crate) fn an_address_in_use_is_replaced(stage: &Stage) -> Result<(), Broken> {
    stage.settle()?;
    stage.apply(&configuration(POOLS))?;
    hold(stage, "add", HELD)?;
    let tried = create(stage, ("ferrolb.io/address-pool", "squatted"))
        .and_then(|()| wait_for_condition(stage, &["True", FREE]))
        .and_then(|()| {
            let ip = observe::wait_for_ip(&stage.lab, NAMESPACE, SERVICE)?;
            observe::wait_for_answer(&stage.lab, ip)?;
            Ok(())
        })
        .and_then(|()| told(stage));
    hold(stage, "delete", HELD)?;
    tried.and(delete(stage))
}

/// The Event names the address and the stranger.
fn told(stage: &Stage) -> Result<(), Broken> {
    let stranger = Network::Lan.mac(plan::CLIENT);
    stage.wait("the Event about the stranger", || {
        let which = "--field-selector=reason=AddressConflict";
        let path = "-ojsonpath={range .items[*]}{.message}{\"\\n\"}{end}";
        let said = stage
            .lab
            .kubectl(["-n", NAMESPACE, "get", "events", which, path])?;
        ensure(said.contains(HELD) && said.contains(&stranger), || said)
    })
}

pub(crate) fn an_address_in_use_that_was_asked_for_is_reported(
    stage: &Stage,
) -> Result<(), Broken> {
    stage.settle()?;
    stage.apply(&configuration(POOLS))?;
    hold(stage, "add", ASKED)?;
    let stranger = Network::Lan.mac(plan::CLIENT);
    let tried = create(stage, ("ferrolb.io/loadBalancerIPs", ASKED))
        .and_then(|()| wait_for_condition(stage, &["False", "AddressConflict", ASKED, &stranger]));
    hold(stage, "delete", ASKED)?;
    // It is asked for again every ten seconds.
    tried
        .and_then(|()| wait_for_condition(stage, &["True", ASKED]))
        .and(delete(stage))
}
