//! Claims about failover: after any failure of the owner another node answers soon, and
//! when the owner is back, exactly one node does.

use std::net::Ipv4Addr;
use std::time::Duration;

use ferrolb_lab::lab::{FailureMode, Lab};
use ferrolb_lab::observe;
use ferrolb_lab::probe::{Probe, Silence, Target};
use ferrolb_lab::{netns, plan, run};

use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM, note};

/// How long to wait for a new owner.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The bound on any outage. It is generous, since the machine may be loaded; the
/// measured value is printed.
const OUTAGE_BOUND: Duration = Duration::from_secs(5);
/// The bound on the outage of a graceful handover.
pub(crate) const GRACEFUL_BOUND: Duration = Duration::from_secs(1);

/// The Service of these claims, with a known owner.
pub(crate) struct SettledService<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) ip: Ipv4Addr,
    pub(crate) owner: u8,
}

impl<'a> SettledService<'a> {
    pub(crate) fn of(fixture: &'a Fixture) -> Result<Self, Failure> {
        fixture.settle()?;
        let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, "echo")?;
        observe::wait_for_answer(&fixture.lab, ip)?;
        let owner = observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT)?;
        Ok(Self {
            lab: &fixture.lab,
            ip,
            owner,
        })
    }

    /// Probes while `fault` is injected at the owner, until another node answers; returns
    /// the outage.
    fn disturb(
        &self,
        fault: impl FnOnce(&Lab, u8) -> Result<(), Failure>,
    ) -> Result<Silence, Failure> {
        let probe = self.probe()?;
        fault(self.lab, self.owner)?;
        let owner = plan::node_name(self.owner);
        let what = format!("a node other than {owner} to answer");
        let successor = probe.expect(&what, TIMEOUT, |by| by.node != owner)?;
        // Keeps probing meanwhile, to detect an owner that flaps.
        let now = plan::node_name(observe::wait_for_one_owner(self.lab, self.ip, TIMEOUT)?);
        let silence = probe.finish()?;
        // On an overloaded machine the successor may stall too; then a third node takes over.
        let then = match now == successor.node {
            true => String::new(),
            false => format!(", then {now}"),
        };
        note(&format!(
            "{owner} to {}{then}: {}",
            successor.node,
            summary(&silence)
        ));
        observe::wait_for_answer(self.lab, self.ip)?;
        Ok(silence)
    }

    pub(crate) fn probe(&self) -> Result<Probe, Failure> {
        let probe = Probe::start(&self.lab.client_namespace(), Target::udp((self.ip, 82)))?;
        probe.expect("an answer to the probes", TIMEOUT, |_| true)?;
        Ok(probe)
    }

    /// Undoes the fault while probing, and waits until the cluster is ready: one owner
    /// then, and still one owner at a second check.
    fn restore(
        &self,
        fixture: &Fixture,
        repair: impl FnOnce(&Lab, u8) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let probe = self.probe();
        repair(self.lab, self.owner)?;
        let probe = probe?;
        fixture.settle()?;
        let owner = observe::wait_for_one_owner(self.lab, self.ip, TIMEOUT)?;
        let again = observe::owners(self.lab, self.ip)?;
        let silence = probe.finish()?;
        note(&format!(
            "owner after the recovery: {}; {}",
            plan::node_name(owner),
            summary(&silence)
        ));
        ensure(again.len() == 1, || {
            format!("first one owner, then nodes {again:?}")
        })?;
        bounded(&silence, OUTAGE_BOUND)
    }
}

pub(crate) fn summary(silence: &Silence) -> String {
    let (longest, stalled) = (silence.longest.as_millis(), silence.stalled.as_millis());
    format!(
        "longest outage {longest} ms, {} of {} probes lost (longest stall of the prober {stalled} ms)",
        silence.lost, silence.sent
    )
}

pub(crate) fn bounded(silence: &Silence, bound: Duration) -> Result<(), Failure> {
    ensure(silence.longest < bound, || {
        format!("outage longer than {bound:?}: {}", summary(silence))
    })
}

/// A failure injected and undone by the lab.
fn survives(fixture: &Fixture, how: FailureMode) -> Result<(), Failure> {
    let settled = SettledService::of(fixture)?;
    let silence = settled.disturb(|lab, owner| Ok(lab.fail(owner, how)?));
    let restored = settled.restore(fixture, |lab, owner| Ok(lab.heal(owner)?));
    bounded(&silence?, OUTAGE_BOUND)?;
    restored
}

pub(crate) fn survives_power_loss(fixture: &Fixture) -> Result<(), Failure> {
    survives(fixture, FailureMode::Power)
}

pub(crate) fn survives_a_frozen_node(fixture: &Fixture) -> Result<(), Failure> {
    survives(fixture, FailureMode::Freeze)
}

pub(crate) fn survives_a_partition(fixture: &Fixture) -> Result<(), Failure> {
    survives(fixture, FailureMode::Partition)
}

/// The link set down with `ip link` only, independent of the lab's own code.
pub(crate) fn survives_a_port_down_on_the_bridge(fixture: &Fixture) -> Result<(), Failure> {
    let port = |lab: &Lab, node: u8, state: &str| -> Result<(), Failure> {
        let port = lab.node_port(node);
        run::output(&mut netns::exec(
            &lab.lan_namespace(),
            ["ip", "link", "set", &port, state],
        ))?;
        Ok(())
    };
    let settled = SettledService::of(fixture)?;
    let silence = settled.disturb(|lab, owner| port(lab, owner, "down"));
    let restored = settled.restore(fixture, |lab, owner| port(lab, owner, "up"));
    bounded(&silence?, OUTAGE_BOUND)?;
    restored
}

/// SIGKILL: the speaker leaves without a message, and the kubelet restarts it.
pub(crate) fn survives_a_killed_speaker(fixture: &Fixture) -> Result<(), Failure> {
    let settled = SettledService::of(fixture)?;
    let probe = settled.probe()?;
    settled.lab.kill(&format!("speaker-{}", settled.owner))?;
    fixture.settle()?;
    observe::wait_for_one_owner(settled.lab, settled.ip, TIMEOUT)?;
    let silence = probe.finish()?;
    note(&summary(&silence));
    bounded(&silence, OUTAGE_BOUND)
}

/// A deleted pod receives SIGTERM, so the speaker can hand over before it exits.
pub(crate) fn hands_over_gracefully(fixture: &Fixture) -> Result<(), Failure> {
    let settled = SettledService::of(fixture)?;
    fixture.read_logs()?;
    let probe = settled.probe()?;
    for pod in fixture.pods("speaker", Some(settled.owner))? {
        settled
            .lab
            .kubectl(["-n", SYSTEM, "delete", &pod, "--timeout=60s"])?;
    }
    fixture.settle()?;
    observe::wait_for_one_owner(settled.lab, settled.ip, TIMEOUT)?;
    let silence = probe.finish()?;
    note(&summary(&silence));
    bounded(&silence, GRACEFUL_BOUND)
}

pub(crate) fn works_without_the_api_server(fixture: &Fixture) -> Result<(), Failure> {
    let settled = SettledService::of(fixture)?;
    fixture.read_logs()?;
    settled.lab.kill("api")?;
    let silence = settled.disturb(|lab, owner| Ok(lab.fail(owner, FailureMode::Link)?));
    let healed = settled.lab.heal(settled.owner);
    let one = observe::wait_for_one_owner(settled.lab, settled.ip, TIMEOUT);
    settled.lab.restart("api")?;
    healed?;
    one?;
    fixture.settle()?;
    fixture.ignore_denials_so_far()?;
    observe::wait_for_answer(settled.lab, settled.ip)?;
    bounded(&silence?, OUTAGE_BOUND)
}
