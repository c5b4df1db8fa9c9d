//! Claims about one Service without failures: address, answer, owner, withdrawal.

use std::time::Duration;

use ferrolb_lab::observe;
use ferrolb_lab::plan;
use ferrolb_lab::probe::arp;

use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, service};

const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn gets_an_ip_and_answers(fixture: &Fixture) -> Result<(), Failure> {
    let lab = &fixture.lab;
    let image = "--image=ferrolb.local/ferrolb-echo:0.1.0";
    lab.kubectl(["create", "deployment", "plain", image, "--replicas=2"])?;
    let expose = [
        "expose",
        "deployment",
        "plain",
        "--port=80",
        "--target-port=8080",
        "--type=LoadBalancer",
    ];
    lab.kubectl(expose)?;
    let ip = observe::wait_for_ip(lab, "default", "plain")?;
    observe::wait_for_answer(lab, ip)?;
    let mode = "-ojsonpath={.status.loadBalancer.ingress[0].ipMode}";
    let mode = lab.kubectl(["get", "service", "plain", mode])?;
    ensure(mode == "VIP", || format!("ipMode is {mode:?}, not VIP"))?;
    lab.kubectl(["delete", "service/plain", "deployment/plain"])?;
    Ok(())
}

pub(crate) fn is_on_no_interface(fixture: &Fixture) -> Result<(), Failure> {
    let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, "echo")?;
    observe::wait_for_answer(&fixture.lab, ip)?;
    let carriers = observe::carriers(&fixture.lab, ip.into())?;
    ensure(carriers.is_empty(), || {
        format!("{ip} is on an interface of {carriers:?}")
    })
}

/// With policy Local the answering pod's node is the node the request came in
/// through, so the owner can be determined in two ways.
pub(crate) fn only_the_owner_answers(fixture: &Fixture) -> Result<(), Failure> {
    let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, "echo")?;
    let owner = plan::node_name(observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT)?);
    let responder = observe::curl(&fixture.lab, ip)?;
    ensure(responder.node == owner, || {
        format!("{owner} answers ARP, but curl reached {responder}")
    })
}

pub(crate) fn without_endpoints_it_is_not_announced(fixture: &Fixture) -> Result<(), Failure> {
    let lab = &fixture.lab;
    fixture.apply(&service("idle", "nothing-has-this-name", "Cluster"))?;
    let ip = observe::wait_for_ip(lab, NAMESPACE, "idle")?;
    let owners = observe::owners(lab, ip)?;
    ensure(owners.is_empty(), || {
        format!("{ip} has no endpoints, but nodes {owners:?} answer for it")
    })?;

    fixture.apply(&service("idle", "echo", "Cluster"))?;
    observe::wait_for_one_owner(lab, ip, TIMEOUT)?;

    fixture.apply(&service("idle", "nothing-has-this-name", "Cluster"))?;
    fixture.wait("the owner to withdraw", || {
        let answered = arp::is_answered(&lab.client_namespace(), ip)?;
        ensure(!answered, || format!("{ip} is still answered"))
    })?;
    lab.kubectl(["-n", NAMESPACE, "delete", "service", "idle"])?;
    Ok(())
}
