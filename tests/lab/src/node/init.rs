//! PID 1 of a node (`lab node-init`), which acts as its init system: sets up the mounts,
//! starts containerd, imports the images, starts kubelet and kube-proxy, restarts services
//! that exit, and reaps orphaned processes of containers.

mod mounts;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::wait::{WaitStatus, wait};
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::spawn::open_log;
use crate::{files, run, wait as waiting};

/// The order for the node's init process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NodeOrder {
    /// The node's host name.
    pub(crate) hostname: String,
    /// The directory that holds the node's disk: `var/lib` and `var/log`.
    pub(crate) disk: PathBuf,
    /// Image archives to import.
    pub(crate) images: PathBuf,
    /// PATH of every process on the node.
    pub(crate) path: String,
    /// The container runtime, which must respond before the services start.
    pub(crate) containerd: Service,
    /// The other services.
    pub(crate) services: Vec<Service>,
}

/// A program that runs as long as the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) name: String,
    /// Its executable.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// Its log.
    pub(crate) log: PathBuf,
}

/// A running service.
struct Running<'a> {
    service: &'a Service,
    pid: i32,
}

/// `lab node-init`: returns only if the node cannot start.
pub fn run_order(order: &Path) -> Result<(), LabError> {
    let order: NodeOrder = files::read_json(order)?;
    nix::unistd::sethostname(&order.hostname).map_err(|source| LabError::System {
        doing: "set the host name".to_owned(),
        source,
    })?;
    mounts::set_up(&order.disk)?;
    let mut running = vec![start(&order.containerd, &order.path)?];
    waiting::until("containerd to respond", Duration::from_secs(60), || {
        run::output(&mut ctr(&order.path, ["version"])).map_err(|error| error.sentence())
    })?;
    import(&order.images, &order.path)?;
    for service in &order.services {
        running.push(start(service, &order.path)?);
    }
    reap(&mut running, &order.path)
}

/// Imports every image archive, in the order of the file names.
fn import(images: &Path, path: &str) -> Result<(), LabError> {
    for name in files::list(images)? {
        let archive = images.join(&name).display().to_string();
        run::output(&mut ctr(
            path,
            [
                "--namespace",
                "k8s.io",
                "images",
                "import",
                archive.as_str(),
            ],
        ))?;
    }
    Ok(())
}

fn ctr<'a>(path: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = run::command("ctr", args);
    command.env("PATH", path);
    command
}

fn start<'a>(service: &'a Service, path: &str) -> Result<Running<'a>, LabError> {
    let failed = |source| LabError::Start {
        command: service.name.clone(),
        source,
    };
    let log = open_log(&service.log)?;
    let child = Command::new(&service.program)
        .args(&service.args)
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .spawn()
        .map_err(failed)?;
    // A pid is positive and far below the limit of an i32 (proc(5), pid_max).
    Ok(Running {
        service,
        pid: i32::try_from(child.id()).unwrap_or(i32::MAX),
    })
}

/// Reaps every process that exits. A service that exits is restarted after a second.
fn reap(running: &mut [Running<'_>], path: &str) -> Result<(), LabError> {
    loop {
        let exited = match wait() {
            Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _)) => pid.as_raw(),
            Ok(_) | Err(nix::errno::Errno::EINTR) => continue,
            Err(source) => {
                return Err(LabError::System {
                    doing: "wait for processes".to_owned(),
                    source,
                });
            }
        };
        if let Some(slot) = running.iter_mut().find(|slot| slot.pid == exited) {
            std::thread::sleep(Duration::from_secs(1));
            *slot = start(slot.service, path)?;
        }
    }
}
