//! Claims about address conflicts: another host on the LAN, here the client, uses an
//! address of a pool.

use ferrolb_lab::observe;
use ferrolb_lab::plan::{self, Network};
use serde_json::json;

use crate::announced::announced;
use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, configuration, service};

const SERVICE: &str = "conflict";
/// A pool of two addresses; the client uses the one that is assigned first.
const IN_USE: &str = "10.77.0.190";
const FREE: &str = "10.77.0.191";
/// Used by the client too, and requested by the Service.
const REQUESTED: &str = "10.77.0.195";
const POOLS: &str = "- {name: conflict, addresses: [10.77.0.190-10.77.0.191], autoAssign: false}\n\
                     - {name: requested, addresses: [10.77.0.195/32], autoAssign: false}\n";

/// Adds an address to the client, or deletes it.
fn set_address(fixture: &Fixture, verb: &str, address: &str) -> Result<(), Failure> {
    let prefix = format!("{address}/32");
    fixture
        .lab
        .client(["ip", "address", verb, &prefix, "dev", "eth0"])?;
    Ok(())
}

fn create(fixture: &Fixture, annotation: (&str, &str)) -> Result<(), Failure> {
    let mut object = service(SERVICE, "echo", "Cluster");
    object["metadata"]["annotations"] = json!({ annotation.0: annotation.1 });
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
        let matches = expected.iter().all(|word| text.contains(word));
        ensure(matches, || {
            format!("{text:?} does not contain {expected:?}")
        })
    })
}

pub(crate) fn an_address_in_use_is_replaced(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    fixture.apply(&configuration(POOLS))?;
    set_address(fixture, "add", IN_USE)?;
    let result = create(fixture, ("ferrolb.io/address-pool", "conflict"))
        .and_then(|()| wait_for_condition(fixture, &["True", FREE]))
        .and_then(|()| {
            let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, SERVICE)?;
            observe::wait_for_answer(&fixture.lab, ip)?;
            Ok(())
        })
        .and_then(|()| wait_for_event(fixture));
    set_address(fixture, "delete", IN_USE)?;
    result.and(delete(fixture))
}

/// Waits for the Event, which names the address and the client's MAC.
fn wait_for_event(fixture: &Fixture) -> Result<(), Failure> {
    let foreign_mac = Network::Lan.mac(plan::CLIENT);
    fixture.wait("the Event about the conflict", || {
        let which = "--field-selector=reason=AddressConflict";
        let path = "-ojsonpath={range .items[*]}{.message}{\"\\n\"}{end}";
        let text = fixture
            .lab
            .kubectl(["-n", NAMESPACE, "get", "events", which, path])?;
        ensure(text.contains(IN_USE) && text.contains(&foreign_mac), || {
            text
        })
    })
}

pub(crate) fn an_address_in_use_that_was_requested_is_reported(
    fixture: &Fixture,
) -> Result<(), Failure> {
    fixture.settle()?;
    fixture.apply(&configuration(POOLS))?;
    set_address(fixture, "add", REQUESTED)?;
    let foreign_mac = Network::Lan.mac(plan::CLIENT);
    let result = create(fixture, ("ferrolb.io/loadBalancerIPs", REQUESTED)).and_then(|()| {
        wait_for_condition(
            fixture,
            &["False", "AddressConflict", REQUESTED, &foreign_mac],
        )
    });
    set_address(fixture, "delete", REQUESTED)?;
    // The address is probed again every ten seconds.
    result
        .and_then(|()| wait_for_condition(fixture, &["True", REQUESTED]))
        .and(delete(fixture))
}
