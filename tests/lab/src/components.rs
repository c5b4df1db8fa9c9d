//! The components that `kill` and `restart` act on: the controller, a node's speaker, the
//! API server.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::tools::Product;
use crate::{cgroup_records, control_plane, ferrolb, plan, procs, run, wait};

/// A component that can be killed and restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// Every replica of the controller.
    Controller,
    /// The speaker on a node.
    Speaker(u8),
    /// kube-apiserver.
    Api,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller => f.write_str("controller"),
            Self::Speaker(node) => write!(f, "speaker-{node}"),
            Self::Api => f.write_str("api"),
        }
    }
}

impl FromStr for Component {
    type Err = LabError;

    fn from_str(name: &str) -> Result<Self, LabError> {
        let speaker = || {
            name.strip_prefix("speaker-")?
                .parse()
                .ok()
                .map(Self::Speaker)
        };
        match name {
            "controller" => Ok(Self::Controller),
            "api" => Ok(Self::Api),
            _ => speaker().ok_or_else(|| LabError::UnknownComponent {
                name: name.to_owned(),
            }),
        }
    }
}

/// Sends a signal to every process of a component.
pub(crate) fn signal(
    dirs: &Dirs,
    nodes: u8,
    component: Component,
    signal: Signal,
) -> Result<(), LabError> {
    let pids = match component {
        Component::Controller => (1..=nodes)
            .flat_map(|node| pids_on(dirs, node, Product::Controller))
            .collect(),
        Component::Speaker(node) => pids_on(dirs, node, Product::Speaker),
        Component::Api => procs::alive(dirs, "kube-apiserver")
            .iter()
            .map(|proc| proc.pid)
            .collect(),
    };
    if pids.is_empty() {
        return Err(LabError::ComponentStopped {
            component: component.to_string(),
        });
    }
    for pid in pids {
        // A process that has exited in the meantime needs no signal.
        let _gone = kill(Pid::from_raw(pid), signal);
    }
    Ok(())
}

/// Restarts a component and waits until it is ready.
pub(crate) fn restart(dirs: &Dirs, component: Component) -> Result<(), LabError> {
    match component {
        Component::Controller => {
            let workload = "deployment/ferrolb-controller";
            run::output(control_plane::kubectl(dirs).args([
                "-n",
                ferrolb::NAMESPACE,
                "rollout",
                "restart",
                workload,
            ]))?;
            ferrolb::rolled_out(dirs, workload)
        }
        Component::Speaker(node) => restart_speaker(dirs, node),
        Component::Api => restart_api(dirs),
    }
}

fn restart_speaker(dirs: &Dirs, node: u8) -> Result<(), LabError> {
    let on_node = format!("--field-selector=spec.nodeName={}", plan::node_name(node));
    let speakers = "--selector=app.kubernetes.io/name=ferrolb,app.kubernetes.io/component=speaker";
    run::output(control_plane::kubectl(dirs).args([
        "-n",
        ferrolb::NAMESPACE,
        "delete",
        "pods",
        speakers,
        &on_node,
    ]))?;
    ferrolb::rolled_out(dirs, "daemonset/ferrolb-speaker")
}

fn restart_api(dirs: &Dirs) -> Result<(), LabError> {
    if let Some(proc) = procs::alive(dirs, "kube-apiserver") {
        proc.signal(Signal::SIGKILL);
        wait::until("kube-apiserver to exit", Duration::from_secs(10), || {
            if proc.is_alive() {
                Err("it is still running".to_owned())
            } else {
                Ok(())
            }
        })?;
    }
    control_plane::start_api(dirs)?;
    control_plane::wait_ready(dirs)
}

/// The pids, in the root namespace, of a product's processes on a node.
fn pids_on(dirs: &Dirs, node: u8, product: Product) -> Vec<i32> {
    let Ok(group) = cgroup_records::read(dirs, &plan::node_name(node)) else {
        return Vec::new();
    };
    group
        .pids()
        .into_iter()
        .filter(|pid| procs::program(*pid).as_deref() == Some(product.name()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_name_of_each_component() {
        assert_eq!(
            "speaker-12".parse::<Component>().unwrap(),
            Component::Speaker(12)
        );
        assert_eq!("api".parse::<Component>().unwrap(), Component::Api);
        assert!(
            "speaker"
                .parse::<Component>()
                .unwrap_err()
                .to_string()
                .contains("speaker-1")
        );
    }
}
