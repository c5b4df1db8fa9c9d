//! A LAN of many speakers without kubelets: a real control plane and a real
//! controller, and each speaker a plain process in a namespace of its own on the
//! LAN, known to the API server by a Node and a pod that no kubelet runs. To the
//! speakers this makes no difference.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use ferrolb_lab::child::ChildGuard;
use ferrolb_lab::lab::{Lab, Options};
use ferrolb_lab::plan::{self, Network};
use ferrolb_lab::progress::{Silent, Stderr};
use ferrolb_lab::tools::{self, Product};
use ferrolb_lab::{files, interrupt, netns, run, wait};
use serde_json::{Value, json};

use crate::lab_lock::{self, LabLock};
use crate::manifests::{self, SERVICES};
use crate::say;
use crate::scrape::Metrics;

/// The metrics port of the members.
const METRICS_PORT: u16 = 9617;
/// How long they may take to agree.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The LAN with its controller; taken down when dropped.
pub(crate) struct Rig {
    pub(crate) lab: Lab,
    speaker: PathBuf,
    kubeconfig: PathBuf,
    _controller: ChildGuard,
    _lock: LabLock,
}

/// Running speakers; they end, and their objects are deleted, when dropped.
pub(crate) struct Members<'a> {
    rig: &'a Rig,
    programs: Vec<ChildGuard>,
}

impl Rig {
    /// Brings it up with room for `members` speakers.
    pub(crate) fn up(members: u8) -> Result<Self> {
        interrupt::watch()?;
        let programs = tools::build(&[Product::Controller, Product::Speaker], &Stderr::new())?;
        let [controller, speaker] = programs.as_slice() else {
            anyhow::bail!("expected 2 programs, {} were built", programs.len());
        };
        let (lab, lock) = lab_lock::acquire()?;
        lab.down(&Silent)?;
        let rig = bring_up(&lab, members, controller);
        match rig {
            Ok((kubeconfig, controller)) => Ok(Self {
                lab,
                speaker: speaker.clone(),
                kubeconfig,
                _controller: controller,
                _lock: lock,
            }),
            Err(error) => {
                lab.down(&Silent)?;
                Err(error)
            }
        }
    }

    /// Starts `count` speakers and waits until they agree.
    pub(crate) fn members(&self, count: u8) -> Result<Members<'_>> {
        let mut members = Members {
            rig: self,
            programs: Vec::new(),
        };
        apply(&self.lab, &manifests::nodes(count))?;
        apply(&self.lab, &manifests::pods(count))?;
        for member in 1..=count {
            let status = manifests::pod_status(member).to_string();
            let pod = format!("pod/{}", manifests::name(member));
            let patch = [
                "-n",
                manifests::SYSTEM,
                "patch",
                &pod,
                "--subresource=status",
            ];
            self.lab
                .kubectl([&patch[..], &["--type=merge", "-p", &status]].concat())?;
            members.programs.push(self.start(member)?);
        }
        members.wait_until_agreed()?;
        Ok(members)
    }

    fn start(&self, member: u8) -> Result<ChildGuard> {
        let name = manifests::name(member);
        let mut command = netns::exec(&self.lab.dirs().name(&name), [&self.speaker]);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("FERROLB_NODE_NAME", &name)
            .env("FERROLB_GOSSIP_ADDRESS", address(member)?.to_string());
        let log = self.lab.dirs().log(&name);
        Ok(ChildGuard::start(&command, &log)?)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Err(error) = self.lab.down(&Silent) {
            say::note(&error.sentence());
        }
    }
}

impl Members<'_> {
    /// Waits until each sees all others, each IP has an owner, and the IPs are
    /// spread: the first speaker owns all of them until it has handed over its share.
    fn wait_until_agreed(&self) -> Result<()> {
        wait::until("the speakers to agree", TIMEOUT, || {
            let all = self.metrics().map_err(|error| format!("{error:#}"))?;
            let each =
                |name: &str| -> Vec<f64> { all.iter().map(|one| one.sum(name, "")).collect() };
            let members = each("ferrolb_speaker_gossip_members");
            let owned = each("ferrolb_speaker_owned_ips");
            are_at_rest(&members, &owned)
                .then_some(())
                .ok_or_else(|| format!("they see {members:?} members and own {owned:?} IPs"))
        })?;
        Ok(())
    }

    /// The metrics of each member.
    pub(crate) fn metrics(&self) -> Result<Vec<Metrics>> {
        let count = u8::try_from(self.programs.len())?;
        let namespace = self.rig.lab.lan_namespace();
        (1..=count)
            .map(|member| {
                let listener = SocketAddr::new(IpAddr::V4(address(member)?), METRICS_PORT);
                Metrics::fetch(&namespace, listener)
            })
            .collect()
    }

    /// The members' processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.programs.iter().map(ChildGuard::pid).collect()
    }
}

/// Judged by what each sees and owns.
fn are_at_rest(members: &[f64], owned: &[f64]) -> bool {
    let count = members.len() as f64;
    let most = owned.iter().copied().fold(0.0, f64::max);
    let least = owned.iter().copied().fold(f64::INFINITY, f64::min);
    let sum: f64 = owned.iter().sum();
    members.iter().all(|seen| (seen - count).abs() < 0.5)
        && (sum - f64::from(SERVICES)).abs() < 0.5
        && most - least < 1.5
}

impl Drop for Members<'_> {
    fn drop(&mut self) {
        self.programs.clear();
        let everything = [
            ["-n", manifests::SYSTEM, "delete", "pods"],
            ["-n", "default", "delete", "nodes"],
        ];
        for words in everything {
            let gone = [
                "--selector",
                manifests::MEMBER,
                "--grace-period=0",
                "--force",
            ];
            if let Err(error) = self.rig.lab.kubectl(words.iter().chain(&gone)) {
                say::note(&error.sentence());
            }
        }
    }
}

/// The address of a member, after those of the lab's own nodes.
fn address(member: u8) -> Result<Ipv4Addr> {
    Ok(Network::Lan.v4(plan::node_host(member + 1)).parse()?)
}

/// The lab with one node (a cluster has at least one), the members' machines,
/// the controller, and the Services.
fn bring_up(lab: &Lab, members: u8, controller: &Path) -> Result<(PathBuf, ChildGuard)> {
    let options = Options {
        nodes: 1,
        bare: true,
        ..Options::default()
    };
    lab.up(&options, &Stderr::new())?;
    for member in 1..=members {
        lab.add_machine(&manifests::name(member), plan::node_host(member + 1))?;
    }
    apply(lab, &manifests::namespace())?;
    wait::until("a service account", TIMEOUT, || {
        let get = ["-n", manifests::SYSTEM, "get", "serviceaccount", "default"];
        lab.kubectl(get).map_err(|error| error.sentence())
    })?;
    apply(lab, &manifests::configuration())?;
    let inside = inside(lab)?;
    let mut command = netns::exec(&lab.api_namespace(), [controller]);
    command.env("KUBECONFIG", &inside);
    let kept = ChildGuard::start(&command, &lab.dirs().log("controller"))?;
    apply(lab, &manifests::services())?;
    Ok((inside, kept))
}

/// The administrator's kubeconfig for use on the LAN.
fn inside(lab: &Lab) -> Result<PathBuf> {
    let mut config: Value = files::read_json(&lab.dirs().file("admin.kubeconfig"))?;
    let server = format!("https://{}:{}", Network::Lan.v4(plan::API), plan::API_PORT);
    let clusters = config["clusters"]
        .as_array_mut()
        .context("the kubeconfig has no clusters")?;
    for cluster in clusters {
        cluster["cluster"]["server"] = json!(server);
    }
    let path = lab.dirs().file("inside.kubeconfig");
    files::write_json(&path, &config)?;
    Ok(path)
}

fn apply(lab: &Lab, objects: &Value) -> Result<()> {
    let mut command = lab.kubectl_command();
    command.args(["apply", "--server-side", "-f", "-"]);
    run::with_input(&mut command, &objects.to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::are_at_rest;

    #[test]
    fn speakers_that_see_all_and_share_all_are_at_rest() {
        assert!(are_at_rest(&[3.0; 3], &[3.0, 4.0, 3.0]));
        assert!(!are_at_rest(&[3.0, 3.0, 2.0], &[3.0, 4.0, 3.0]));
        assert!(!are_at_rest(&[3.0; 3], &[2.0, 5.0, 3.0]));
        assert!(!are_at_rest(&[3.0; 3], &[3.0, 3.0, 3.0]));
    }
}
