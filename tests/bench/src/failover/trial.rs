//! One trial: wait until settled, cause a fault of the owner while a client sends
//! requests, repair it, and wait until settled again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ferrolb_core::mac::Mac;
use ferrolb_lab::lab::FailureMode;
use ferrolb_lab::probe::{Probe, Silence, Target};
use ferrolb_lab::{plan, wait};

use super::results::Measure;
use super::rows::Fault;
use crate::say;
use crate::testbed::{EVERY, SYSTEM, Testbed, node_of};
use crate::wire::observed;
use crate::wire::watcher::Watcher;

/// How long to wait for another owner.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many more requests the successor has to answer, 200 ms of them, so that
/// flapping shows.
const FURTHER: usize = 100;

/// The measurements of a trial.
pub(super) type Values = Vec<(Measure, f64)>;

/// The environment for the trials of a row.
pub(super) struct Environment<'a> {
    /// The lab.
    pub(super) testbed: &'a Testbed,
    /// The target of the client.
    pub(super) target: SocketAddr,
    /// Requests the same IP by ARP; none for IPv6.
    pub(super) watcher: Option<Watcher>,
    /// Whether the speakers' metrics are read: not if keepalived runs instead.
    pub(super) speakers: bool,
}

impl Environment<'_> {
    /// Makes one trial and returns its measurements.
    pub(super) fn attempt(&self, fault: Fault) -> Result<Values> {
        let owner = self.wait_until_settled()?;
        let values = match fault {
            Fault::Node(how) => self.broken_node(owner, how),
            Fault::Kill => self.killed(),
            Fault::Term => self.replaced(Self::delete_owner),
            Fault::Roll => self.replaced(Self::roll),
        }?;
        let words: Vec<String> = values
            .iter()
            .map(|(measure, value)| format!("{measure:?} {value:.0}"))
            .collect();
        say::note(&words.join(", "));
        Ok(values)
    }

    /// Waits until everything is settled; returns the host that answers ARP.
    fn wait_until_settled(&self) -> Result<Option<Mac>> {
        if self.speakers {
            self.testbed.wait_until_agreed()?;
        }
        let watcher = self.watcher.as_ref();
        watcher
            .map(|watcher| self.testbed.one_answers(watcher))
            .transpose()
    }

    /// The machine or its network fails, and comes back.
    fn broken_node(&self, owner: Option<Mac>, how: FailureMode) -> Result<Values> {
        let lab = &self.testbed.lab;
        let (probe, owner) = self.probe(owner)?;
        lab.fail(owner, how)?;
        let silence = silence_until_another(probe, owner);
        // Repaired in any case: the next trial uses the same testbed.
        let back = self.probe(None);
        let repaired = Instant::now();
        lab.heal(owner)?;
        self.wait_until_settled()?;
        let silence = silence?;
        let (back, _) = back?;
        let mut values = vec![
            (Measure::Silence, milliseconds(silence.longest)),
            (
                Measure::SilenceAtReturn,
                milliseconds(back.finish()?.longest),
            ),
        ];
        values.extend(self.contested(repaired));
        Ok(values)
    }

    /// The speaker is killed; its node keeps running.
    fn killed(&self) -> Result<Values> {
        let lab = &self.testbed.lab;
        let watcher = self.watcher.as_ref().context("there is no watcher")?;
        let old = self.testbed.one_answers(watcher)?;
        let owner = node_of(old)?;
        let (probe, _) = self.probe(Some(old))?;
        let killed = Instant::now();
        lab.kill(&format!("speaker-{owner}"))?;
        let successor = another(watcher, old, killed);
        // A container that was killed often is restarted late; a pod is not.
        lab.restart(&format!("speaker-{owner}"))?;
        self.wait_until_settled()?;
        let mut values = values_of(&probe.finish()?);
        values.push((Measure::NewOwner, milliseconds(successor? - killed)));
        values.extend(self.contested(killed));
        Ok(values)
    }

    /// Speakers are replaced by an orderly rollout.
    fn replaced(&self, replace: fn(&Self) -> Result<()>) -> Result<Values> {
        let started = Instant::now();
        let (probe, _) = self.probe(None)?;
        replace(self)?;
        let status = ["-n", SYSTEM, "rollout", "status"];
        let what = ["daemonset/ferrolb-speaker", "--timeout=120s"];
        self.testbed
            .lab
            .kubectl([status.as_slice(), &what].concat())?;
        self.wait_until_settled()?;
        let mut values = values_of(&probe.finish()?);
        values.extend(self.contested(started));
        Ok(values)
    }

    fn delete_owner(&self) -> Result<()> {
        let watcher = self.watcher.as_ref().context("there is no watcher")?;
        let old = self.testbed.one_answers(watcher)?;
        let started = Instant::now();
        let node = plan::node_name(node_of(old)?);
        let on_node = format!("--field-selector=spec.nodeName={node}");
        let speakers = "--selector=app.kubernetes.io/component=speaker";
        let delete = ["-n", SYSTEM, "delete", "pods", speakers, &on_node];
        self.testbed.lab.kubectl(delete)?;
        another(watcher, old, started).map(drop)
    }

    fn roll(&self) -> Result<()> {
        let what = "daemonset/ferrolb-speaker";
        let restart = ["-n", SYSTEM, "rollout", "restart", what];
        self.testbed.lab.kubectl(restart)?;
        Ok(())
    }

    /// A client, and the node that answers it: the owner, if that is known. A client
    /// may keep using another node for a second or two, as Linux ignores a second
    /// change of an entry within one second.
    fn probe(&self, owner: Option<Mac>) -> Result<(Probe, u8)> {
        let namespace = self.testbed.lab.client_namespace();
        let probe = Probe::start(&namespace, Target::udp(self.target))?;
        let owner = owner.map(node_of).transpose()?.map(plan::node_name);
        let right = |node: &str| owner.as_deref().is_none_or(|owner| owner == node);
        let what = match &owner {
            Some(owner) => format!("an answer to the probes from {owner}"),
            None => "an answer to the probes".to_owned(),
        };
        let by = probe.expect(&what, TIMEOUT, |by| right(&by.node))?;
        let number = self.testbed.lab.node_number(&by.node);
        let number = number.with_context(|| format!("{} is not a node", by.node))?;
        Ok((probe, number))
    }

    /// How long two hosts answered ARP since `since`.
    fn contested(&self, since: Instant) -> Option<(Measure, f64)> {
        let answers = self.watcher.as_ref()?.since(since);
        let requests = u32::try_from(observed::contested(&answers)).unwrap_or(u32::MAX);
        Some((Measure::TwoAnswer, milliseconds(EVERY * requests)))
    }
}

/// The client's silence until another node answers, and continues to answer.
fn silence_until_another(probe: Probe, owner: u8) -> Result<Silence> {
    let owner = plan::node_name(owner);
    let what = format!("another node than {owner} to answer");
    probe.expect(&what, TIMEOUT, |by| by.node != owner)?;
    probe.expect_further(FURTHER, TIMEOUT)?;
    Ok(probe.finish()?)
}

fn values_of(silence: &Silence) -> Values {
    let lost = u32::try_from(silence.lost).unwrap_or(u32::MAX);
    vec![
        (Measure::Silence, milliseconds(silence.longest)),
        (Measure::Lost, f64::from(lost)),
    ]
}

/// When another host than `old` first answered ARP.
fn another(watcher: &Watcher, old: Mac, since: Instant) -> Result<Instant> {
    let what = format!("another host than {old} to answer ARP");
    let answer = wait::until(&what, TIMEOUT, || {
        observed::first_of_another(&watcher.since(since), old).ok_or_else(|| "none".to_owned())
    })?;
    Ok(answer.at)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
