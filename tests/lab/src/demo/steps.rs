//! The steps of the demo. Each step ends with an observation; a missing or
//! unexpected observation is an error.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::StepError;
use super::printer::Printer;
use super::samples::{NAME, NAMESPACE, SERVICE, Samples};
use crate::lab::{FailureMode, Lab};
use crate::observe;
use crate::plan;
use crate::probe::{Probe, Silence, Target};

/// How long to wait for an owner before the demo fails.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many more probes of each kind the owner must answer before the step ends, about
/// one second of connections: an owner that flaps is detected.
const FURTHER_PROBES: usize = 50;

/// Runs all steps.
pub(super) fn run(
    lab: &Lab,
    samples: &Samples<'_>,
    out: &mut Printer<'_>,
) -> Result<(), StepError> {
    workload(samples, out)?;
    let ip = address(lab, samples, out)?;
    client_access(lab, ip, out)?;
    let owner = owner(lab, ip, out)?;
    let successor = link_down(lab, ip, owner, out).inspect_err(|_| {
        // The first failure is reported; a second one here adds nothing.
        let _ = lab.heal(owner);
    })?;
    link_up(lab, ip, owner, successor, out)
}

fn workload(samples: &Samples<'_>, out: &mut Printer<'_>) -> Result<(), StepError> {
    out.step("Create a pool of addresses, and a pod on every node")?;
    out.command("kubectl apply -f config/samples/pool.yaml -f config/samples/echo.yaml")?;
    Ok(out.text(&samples.apply_workload()?)?)
}

fn address(lab: &Lab, samples: &Samples<'_>, out: &mut Printer<'_>) -> Result<Ipv4Addr, StepError> {
    out.step("Create a Service of type LoadBalancer; it gets an external IP")?;
    out.command(&format!("kubectl apply -f config/samples/{SERVICE}"))?;
    out.text(&samples.apply_service()?)?;
    let ip = observe::wait_for_ip(lab, NAMESPACE, NAME)?;
    out.command(&format!("kubectl -n {NAMESPACE} get service {NAME}"))?;
    out.text(&lab.kubectl(["-n", NAMESPACE, "get", "service", NAME])?)?;
    Ok(ip)
}

fn client_access(lab: &Lab, ip: Ipv4Addr, out: &mut Printer<'_>) -> Result<(), StepError> {
    out.step("Access the Service from a client on the LAN")?;
    let responder = observe::wait_for_answer(lab, ip)?;
    out.command(&format!("curl http://{ip}/"))?;
    Ok(out.text(&format!("pod={} node={}", responder.pod, responder.node))?)
}

fn owner(lab: &Lab, ip: Ipv4Addr, out: &mut Printer<'_>) -> Result<u8, StepError> {
    out.step("Check that one node answers ARP for the IP and that no interface has it")?;
    let owner = observe::wait_for_one_owner(lab, ip, TIMEOUT)?;
    out.command(&format!("arping -b -c 3 -I eth0 {ip}"))?;
    out.text(&answered_by(owner))?;
    let carriers = observe::carriers(lab, ip.into())?;
    if !carriers.is_empty() {
        return Err(StepError::OnInterface {
            ip,
            nodes: carriers.join(", "),
        });
    }
    out.text(&format!(
        "{ip} is not configured on any interface of any node"
    ))?;
    Ok(owner)
}

fn answered_by(owner: u8) -> String {
    let mac = plan::Network::Lan.mac(plan::node_host(owner));
    format!("only {} answers ({mac})", plan::node_name(owner))
}

/// Probes while the owner's link goes down; returns the node that took over.
fn link_down(
    lab: &Lab,
    ip: Ipv4Addr,
    owner: u8,
    out: &mut Printer<'_>,
) -> Result<String, StepError> {
    out.step("Disconnect the announcing node while the client keeps sending requests")?;
    let name = plan::node_name(owner);
    let probes = Probes::start(lab, ip)?;
    out.command(&format!("cargo lab fail {name} --how link"))?;
    lab.fail(owner, FailureMode::Link)?;
    let successor = probes.wait_for_another(&name)?;
    let (datagrams, connections) = probes.finish()?;
    out.text(&format!("{successor} took over from {name}"))?;
    out.text(&format!(
        "UDP, a datagram every 2 ms:          {}",
        summary(&datagrams)
    ))?;
    out.text(&format!(
        "HTTP, a new connection every 20 ms:  {}",
        summary(&connections)
    ))?;
    let responder = observe::wait_for_answer(lab, ip)?;
    out.command(&format!("curl http://{ip}/"))?;
    out.text(&format!("pod={} node={}", responder.pod, responder.node))?;
    Ok(successor)
}

fn link_up(
    lab: &Lab,
    ip: Ipv4Addr,
    node: u8,
    successor: String,
    out: &mut Printer<'_>,
) -> Result<(), StepError> {
    out.step("Reconnect the node; still exactly one node answers")?;
    let probes = Probes::start(lab, ip)?;
    out.command(&format!("cargo lab heal {}", plan::node_name(node)))?;
    lab.heal(node)?;
    let ready = format!("node/{}", plan::node_name(node));
    lab.kubectl(["wait", "--for=condition=Ready", &ready, "--timeout=60s"])?;
    lab.kubectl([
        "-n",
        "ferrolb-system",
        "rollout",
        "status",
        "daemonset/ferrolb-speaker",
        "--timeout=60s",
    ])?;
    let owner = observe::wait_for_one_owner(lab, ip, TIMEOUT)?;
    let (datagrams, _) = probes.finish()?;
    out.command(&format!("arping -b -c 3 -I eth0 {ip}"))?;
    out.text(&answered_by(owner))?;
    let outcome = if plan::node_name(owner) == successor {
        "the IP stayed on the new owner"
    } else {
        "the IP moved once more"
    };
    out.text(&format!(
        "{outcome}; UDP while the node returned: {}",
        summary(&datagrams)
    ))?;
    Ok(())
}

/// The outage as the client observed it.
fn summary(silence: &Silence) -> String {
    let ms = silence.longest.as_millis();
    format!(
        "longest outage {ms} ms, {} of {} probes lost",
        silence.lost, silence.sent
    )
}

/// The two probers, side by side.
struct Probes {
    datagrams: Probe,
    connections: Probe,
}

impl Probes {
    /// Starts both and waits until both get answers.
    fn start(lab: &Lab, ip: Ipv4Addr) -> Result<Self, StepError> {
        let namespace = lab.client_namespace();
        let datagrams = Probe::start(&namespace, Target::udp((ip, 82)))?;
        let connections = Probe::start(&namespace, Target::http((ip, 80)))?;
        for probe in [&datagrams, &connections] {
            probe.expect("an answer to the probes", TIMEOUT, |_| true)?;
        }
        Ok(Self {
            datagrams,
            connections,
        })
    }

    /// Waits until both get answers from another node.
    fn wait_for_another(&self, node: &str) -> Result<String, StepError> {
        let what = format!("a node other than {node} to answer");
        let successor = self
            .datagrams
            .expect(&what, TIMEOUT, |by| by.node != node)?;
        self.connections
            .expect(&what, TIMEOUT, |by| by.node != node)?;
        Ok(successor.node)
    }

    /// Waits until both keep getting answers, then stops them and returns the results.
    fn finish(self) -> Result<(Silence, Silence), StepError> {
        for probe in [&self.connections, &self.datagrams] {
            probe.expect_further(FURTHER_PROBES, TIMEOUT)?;
        }
        Ok((self.datagrams.finish()?, self.connections.finish()?))
    }
}
