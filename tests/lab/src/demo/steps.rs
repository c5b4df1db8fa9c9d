//! The story itself, step by step. Every step ends with something seen; what
//! was not seen is an error, and so is what should not have been.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::Trouble;
use super::printer::Printer;
use super::samples::{NAME, NAMESPACE, SERVICE, Samples};
use crate::lab::{FailureMode, Lab};
use crate::observe;
use crate::plan;
use crate::probe::{Probe, Silence, Target};

/// How long the client may wait for the next owner before the story has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many more probes of each kind the owner has to answer before the client
/// believes in it, a second of connections: one that flaps shows.
const FURTHER: usize = 50;

/// Tells the whole story.
pub(super) fn tell(lab: &Lab, samples: &Samples<'_>, out: &mut Printer<'_>) -> Result<(), Trouble> {
    workload(samples, out)?;
    let ip = address(lab, samples, out)?;
    answer(lab, ip, out)?;
    let owner = owner(lab, ip, out)?;
    let successor = pull_the_plug(lab, ip, owner, out).inspect_err(|_| {
        // The first failure is the one to tell of.
        let _ = lab.heal(owner);
    })?;
    plug_it_in(lab, ip, owner, successor, out)
}

fn workload(samples: &Samples<'_>, out: &mut Printer<'_>) -> Result<(), Trouble> {
    out.step("A pool of addresses, and a pod on every node that says who it is")?;
    out.command("kubectl apply -f config/samples/pool.yaml -f config/samples/echo.yaml")?;
    Ok(out.text(&samples.apply_workload()?)?)
}

fn address(lab: &Lab, samples: &Samples<'_>, out: &mut Printer<'_>) -> Result<Ipv4Addr, Trouble> {
    out.step("A Service of type LoadBalancer gets an external IP")?;
    out.command(&format!("kubectl apply -f config/samples/{SERVICE}"))?;
    out.text(&samples.apply_service()?)?;
    let ip = observe::wait_for_ip(lab, NAMESPACE, NAME)?;
    out.command(&format!("kubectl -n {NAMESPACE} get service {NAME}"))?;
    out.text(&lab.kubectl(["-n", NAMESPACE, "get", "service", NAME])?)?;
    Ok(ip)
}

fn answer(lab: &Lab, ip: Ipv4Addr, out: &mut Printer<'_>) -> Result<(), Trouble> {
    out.step("A machine on the LAN that is no node asks for it")?;
    let responder = observe::wait_for_answer(lab, ip)?;
    out.command(&format!("curl http://{ip}/"))?;
    Ok(out.text(&format!("pod={} node={}", responder.pod, responder.node))?)
}

fn owner(lab: &Lab, ip: Ipv4Addr, out: &mut Printer<'_>) -> Result<u8, Trouble> {
    out.step("One node answers ARP for it, and no interface carries it")?;
    let owner = observe::wait_for_one_owner(lab, ip, PATIENCE)?;
    out.command(&format!("arping -b -c 3 -I eth0 {ip}"))?;
    out.text(&answered_by(owner))?;
    let carriers = observe::carriers(lab, ip.into())?;
    if !carriers.is_empty() {
        return Err(Trouble::Claim(format!(
            "{ip} is on an interface of {}",
            carriers.join(", ")
        )));
    }
    out.text(&format!("{ip} is on no interface of any node"))?;
    Ok(owner)
}

fn answered_by(owner: u8) -> String {
    let mac = plan::Network::Lan.mac(plan::node_host(owner));
    format!("only {mac} answers: {}", plan::node_name(owner))
}

/// Probes while the owner's link goes away; gives the node that took over.
fn pull_the_plug(
    lab: &Lab,
    ip: Ipv4Addr,
    owner: u8,
    out: &mut Printer<'_>,
) -> Result<String, Trouble> {
    out.step("The owner loses its plug while the client keeps asking")?;
    let name = plan::node_name(owner);
    let probes = Probes::start(lab, ip)?;
    out.command(&format!("cargo lab fail {name} --how link"))?;
    lab.fail(owner, FailureMode::Link)?;
    let successor = probes.wait_for_another(&name)?;
    let (datagrams, connections) = probes.finish()?;
    out.text(&format!("{successor} took over from {name}"))?;
    out.text(&format!(
        "a datagram every 2 ms:        {}",
        felt(&datagrams)
    ))?;
    out.text(&format!(
        "a new connection every 20 ms: {}",
        felt(&connections)
    ))?;
    let responder = observe::wait_for_answer(lab, ip)?;
    out.command(&format!("curl http://{ip}/"))?;
    out.text(&format!("pod={} node={}", responder.pod, responder.node))?;
    Ok(successor)
}

fn plug_it_in(
    lab: &Lab,
    ip: Ipv4Addr,
    node: u8,
    successor: String,
    out: &mut Printer<'_>,
) -> Result<(), Trouble> {
    out.step("The plug is back, and still one node answers")?;
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
    let owner = observe::wait_for_one_owner(lab, ip, PATIENCE)?;
    let (datagrams, _) = probes.finish()?;
    out.command(&format!("arping -b -c 3 -I eth0 {ip}"))?;
    out.text(&answered_by(owner))?;
    let kept = if plan::node_name(owner) == successor {
        "it stayed where it was"
    } else {
        "it moved once more"
    };
    out.text(&format!(
        "{kept}; while the node came back: {}",
        felt(&datagrams)
    ))?;
    Ok(())
}

/// What the client felt, for a person.
fn felt(silence: &Silence) -> String {
    let ms = silence.longest.as_millis();
    format!(
        "longest silence {ms} ms, {} of {} unanswered",
        silence.lost, silence.sent
    )
}

/// The two probers, side by side.
struct Probes {
    datagrams: Probe,
    connections: Probe,
}

impl Probes {
    /// Starts both and waits until both are answered, so that what is silent
    /// afterwards was answered before.
    fn start(lab: &Lab, ip: Ipv4Addr) -> Result<Self, Trouble> {
        let namespace = lab.client_namespace();
        let datagrams = Probe::start(&namespace, Target::udp((ip, 82)))?;
        let connections = Probe::start(&namespace, Target::http((ip, 80)))?;
        for probe in [&datagrams, &connections] {
            probe.expect("an answer to the probes", PATIENCE, |_| true)?;
        }
        Ok(Self {
            datagrams,
            connections,
        })
    }

    /// Waits until both are answered from another node than this one.
    fn wait_for_another(&self, node: &str) -> Result<String, Trouble> {
        let what = format!("another node than {node} to answer");
        let successor = self
            .datagrams
            .expect(&what, PATIENCE, |by| by.node != node)?;
        self.connections
            .expect(&what, PATIENCE, |by| by.node != node)?;
        Ok(successor.node)
    }

    /// Waits until both go on being answered, and reports.
    fn finish(self) -> Result<(Silence, Silence), Trouble> {
        for probe in [&self.connections, &self.datagrams] {
            probe.expect_further(FURTHER, PATIENCE)?;
        }
        Ok((self.datagrams.finish()?, self.connections.finish()?))
    }
}
