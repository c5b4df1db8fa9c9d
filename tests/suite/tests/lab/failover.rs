//! Claims about failover: whatever happens to the owner, another node soon
//! answers, and when the owner is back exactly one node does.

use std::net::Ipv4Addr;
use std::time::Duration;

use ferrolb_lab::lab::{FailureMode, Lab};
use ferrolb_lab::observe;
use ferrolb_lab::probe::{Probe, Silence, Target};
use ferrolb_lab::{netns, plan, run};

use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM, say};

/// How long the next owner is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The bound on any silence. It is wide, for a machine that is busy with other
/// things too; the measured value is printed.
const SILENCE: Duration = Duration::from_secs(5);
/// The bound on the silence of a handover in good order.
const GOOD_ORDER: Duration = Duration::from_secs(1);

/// The Service all of these claims are about, at peace.
struct Peace<'a> {
    lab: &'a Lab,
    ip: Ipv4Addr,
    owner: u8,
}

impl<'a> Peace<'a> {
    fn of(fixture: &'a Fixture) -> Result<Self, Failure> {
        fixture.settle()?;
        let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, "echo")?;
        observe::wait_for_answer(&fixture.lab, ip)?;
        let owner = observe::wait_for_one_owner(&fixture.lab, ip, PATIENCE)?;
        Ok(Self {
            lab: &fixture.lab,
            ip,
            owner,
        })
    }

    /// Probes while `trouble` is made for the owner, until another node
    /// answers; gives what the client felt.
    fn disturb(
        &self,
        trouble: impl FnOnce(&Lab, u8) -> Result<(), Failure>,
    ) -> Result<Silence, Failure> {
        let probe = self.probe()?;
        trouble(self.lab, self.owner)?;
        let owner = plan::node_name(self.owner);
        let what = format!("another node than {owner} to answer");
        let heir = probe.expect(&what, PATIENCE, |by| by.node != owner)?;
        // Goes on probing meanwhile: an owner that flaps would show.
        let now = plan::node_name(observe::wait_for_one_owner(self.lab, self.ip, PATIENCE)?);
        let silence = probe.finish()?;
        // A starved machine may stall the heir too; then a third one steps in.
        let then = match now == heir.node {
            true => String::new(),
            false => format!(", then {now}"),
        };
        say(&format!(
            "{owner} to {}{then}: {}",
            heir.node,
            felt(&silence)
        ));
        observe::wait_for_answer(self.lab, self.ip)?;
        Ok(silence)
    }

    fn probe(&self) -> Result<Probe, Failure> {
        let probe = Probe::start(&self.lab.client_namespace(), Target::udp((self.ip, 82)))?;
        probe.expect("an answer to the probes", PATIENCE, |_| true)?;
        Ok(probe)
    }

    /// Undoes the trouble under the prober's eyes, and waits until the cluster
    /// is whole: one owner then, and one owner still at a second look.
    fn restore(
        &self,
        fixture: &Fixture,
        cure: impl FnOnce(&Lab, u8) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let probe = self.probe();
        cure(self.lab, self.owner)?;
        let probe = probe?;
        fixture.settle()?;
        let owner = observe::wait_for_one_owner(self.lab, self.ip, PATIENCE)?;
        let again = observe::owners(self.lab, self.ip)?;
        let silence = probe.finish()?;
        say(&format!(
            "owner after the return {}: {}",
            plan::node_name(owner),
            felt(&silence)
        ));
        ensure(again.len() == 1, || {
            format!("one owner at first, then nodes {again:?}")
        })?;
        bounded(&silence, SILENCE)
    }
}

fn felt(silence: &Silence) -> String {
    let (longest, stalled) = (silence.longest.as_millis(), silence.stalled.as_millis());
    format!(
        "longest silence {longest} ms, {} of {} lost (prober stalled {stalled} ms at most)",
        silence.lost, silence.sent
    )
}

fn bounded(silence: &Silence, bound: Duration) -> Result<(), Failure> {
    ensure(silence.longest < bound, || {
        format!("silent for longer than {bound:?}: {}", felt(silence))
    })
}

/// Trouble made and undone by the lab itself.
fn survives(fixture: &Fixture, how: FailureMode) -> Result<(), Failure> {
    let peace = Peace::of(fixture)?;
    let silence = peace.disturb(|lab, owner| Ok(lab.fail(owner, how)?));
    let restored = peace.restore(fixture, |lab, owner| Ok(lab.heal(owner)?));
    bounded(&silence?, SILENCE)?;
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

/// The plug pulled by hand, with `ip link` alone: nothing in the lab helps.
pub(crate) fn survives_a_port_down_on_the_bridge(fixture: &Fixture) -> Result<(), Failure> {
    let port = |lab: &Lab, node: u8, state: &str| -> Result<(), Failure> {
        let port = lab.node_port(node);
        run::output(&mut netns::exec(
            &lab.lan_namespace(),
            ["ip", "link", "set", &port, state],
        ))?;
        Ok(())
    };
    let peace = Peace::of(fixture)?;
    let silence = peace.disturb(|lab, owner| port(lab, owner, "down"));
    let restored = peace.restore(fixture, |lab, owner| port(lab, owner, "up"));
    bounded(&silence?, SILENCE)?;
    restored
}

/// SIGKILL: no goodbye, but the node lives and starts it again.
pub(crate) fn survives_a_killed_speaker(fixture: &Fixture) -> Result<(), Failure> {
    let peace = Peace::of(fixture)?;
    let probe = peace.probe()?;
    peace.lab.kill(&format!("speaker-{}", peace.owner))?;
    fixture.settle()?;
    observe::wait_for_one_owner(peace.lab, peace.ip, PATIENCE)?;
    let silence = probe.finish()?;
    say(&felt(&silence));
    bounded(&silence, SILENCE)
}

/// A deleted pod is told by SIGTERM, so it can leave before it goes.
pub(crate) fn hands_over_in_good_order(fixture: &Fixture) -> Result<(), Failure> {
    let peace = Peace::of(fixture)?;
    fixture.read_logs()?;
    let probe = peace.probe()?;
    for pod in fixture.pods("speaker", Some(peace.owner))? {
        peace
            .lab
            .kubectl(["-n", SYSTEM, "delete", &pod, "--timeout=60s"])?;
    }
    fixture.settle()?;
    observe::wait_for_one_owner(peace.lab, peace.ip, PATIENCE)?;
    let silence = probe.finish()?;
    say(&felt(&silence));
    bounded(&silence, GOOD_ORDER)
}

pub(crate) fn works_without_the_api_server(fixture: &Fixture) -> Result<(), Failure> {
    let peace = Peace::of(fixture)?;
    fixture.read_logs()?;
    peace.lab.kill("api")?;
    let silence = peace.disturb(|lab, owner| Ok(lab.fail(owner, FailureMode::Link)?));
    let healed = peace.lab.heal(peace.owner);
    let one = observe::wait_for_one_owner(peace.lab, peace.ip, PATIENCE);
    peace.lab.restart("api")?;
    healed?;
    one?;
    fixture.settle()?;
    fixture.forgive_refusals()?;
    observe::wait_for_answer(peace.lab, peace.ip)?;
    bounded(&silence?, SILENCE)
}
