//! Claims about machines on the LAN that hold an address of a pool: here the
//! client.

use ferrolb_lab::observe;
use ferrolb_lab::plan::{self, Network};
use serde_json::json;

use crate::announced::announced;
use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, configuration, service};

const SERVICE: &str = "squatted";
/// A pool of two addresses; the stranger holds the one that is given first.
const HELD: &str = "10.77.0.190";
const FREE: &str = "10.77.0.191";
/// Held by the stranger too, and asked for.
const ASKED: &str = "10.77.0.195";
const POOLS: &str = "- {name: squatted, addresses: [10.77.0.190-10.77.0.191], autoAssign: false}\n\
                     - {name: asked, addresses: [10.77.0.195/32], autoAssign: false}\n";

/// The client takes an address, or gives it back.
fn hold(fixture: &Fixture, verb: &str, address: &str) -> Result<(), Failure> {
    let prefix = format!("{address}/32");
    fixture
        .lab
        .client(["ip", "address", verb, &prefix, "dev", "eth0"])?;
    Ok(())
}

fn create(fixture: &Fixture, wish: (&str, &str)) -> Result<(), Failure> {
    let mut object = service(SERVICE, "echo", "Cluster");
    object["metadata"]["annotations"] = json!({ wish.0: wish.1 });
    fixture.apply(&object)
}

fn delete(fixture: &Fixture) -> Result<(), Failure> {
    fixture
        .lab
        .kubectl(["-n", NAMESPACE, "delete", "service", SERVICE])?;
    fixture.apply(&configuration(""))
}

fn wait_for_condition(fixture: &Fixture, expected: &[&str]) -> Result<(), Failure> {
    fixture.wait("the condition", || {
        let text = announced(fixture, SERVICE)?;
        let says = expected.iter().all(|word| text.contains(word));
        ensure(says, || format!("{text:?} does not say {expected:?}"))
    })
}

pub(crate) fn an_address_in_use_is_replaced(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    fixture.apply(&configuration(POOLS))?;
    hold(fixture, "add", HELD)?;
    let tried = create(fixture, ("ferrolb.io/address-pool", "squatted"))
        .and_then(|()| wait_for_condition(fixture, &["True", FREE]))
        .and_then(|()| {
            let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, SERVICE)?;
            observe::wait_for_answer(&fixture.lab, ip)?;
            Ok(())
        })
        .and_then(|()| told(fixture));
    hold(fixture, "delete", HELD)?;
    tried.and(delete(fixture))
}

/// The Event names the address and the stranger.
fn told(fixture: &Fixture) -> Result<(), Failure> {
    let stranger = Network::Lan.mac(plan::CLIENT);
    fixture.wait("the Event about the stranger", || {
        let which = "--field-selector=reason=AddressConflict";
        let path = "-ojsonpath={range .items[*]}{.message}{\"\\n\"}{end}";
        let said = fixture
            .lab
            .kubectl(["-n", NAMESPACE, "get", "events", which, path])?;
        ensure(said.contains(HELD) && said.contains(&stranger), || said)
    })
}

pub(crate) fn an_address_in_use_that_was_asked_for_is_reported(
    fixture: &Fixture,
) -> Result<(), Failure> {
    fixture.settle()?;
    fixture.apply(&configuration(POOLS))?;
    hold(fixture, "add", ASKED)?;
    let stranger = Network::Lan.mac(plan::CLIENT);
    let tried = create(fixture, ("ferrolb.io/loadBalancerIPs", ASKED)).and_then(|()| {
        wait_for_condition(fixture, &["False", "AddressConflict", ASKED, &stranger])
    });
    hold(fixture, "delete", ASKED)?;
    // It is asked for again every ten seconds.
    tried
        .and_then(|()| wait_for_condition(fixture, &["True", ASKED]))
        .and(delete(fixture))
}
