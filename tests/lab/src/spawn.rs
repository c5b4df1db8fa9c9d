//! Starts the processes of a lab. The hidden command `lab spawn` enters the cgroup and the
//! network namespace, starts a session, starts the program and exits. So the program
//! outlives `lab up`, can be found by its cgroup, and never becomes a zombie of `lab up`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use crate::cgroup::Group;
use crate::dirs::Dirs;
use crate::error::LabError;
use crate::procs::Proc;
use crate::{netns, procs, run};

/// What to start, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SpawnOrder {
    /// The cgroup to enter.
    pub(crate) group: Group,
    /// The namespace to enter; the caller's own if absent.
    pub(crate) netns: Option<String>,
    /// The file to which its output is appended.
    pub(crate) log: PathBuf,
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
}

/// Starts a program of the lab and records it as `name`.
pub(crate) fn start(dirs: &Dirs, name: &str, order: &SpawnOrder) -> Result<Proc, LabError> {
    let what = || "the spawn order".to_owned();
    let order = serde_json::to_string(order).map_err(|source| LabError::Parse {
        what: what(),
        source,
    })?;
    let answer = run::output(&mut run::command(
        dirs.lab_binary(),
        ["spawn", order.as_str()],
    ))?;
    let pid = serde_json::from_str(answer.trim()).map_err(|source| LabError::Parse {
        what: what(),
        source,
    })?;
    let proc = Proc::of(pid).ok_or_else(|| LabError::ExitedEarly {
        pid,
        logs: dirs.root().to_path_buf(),
    })?;
    procs::record(dirs, name, &proc)?;
    Ok(proc)
}

/// `lab spawn`: executes the order and returns the program's pid.
pub fn run_order(order: &str) -> Result<u32, LabError> {
    let order: SpawnOrder = serde_json::from_str(order).map_err(|source| LabError::Parse {
        what: "the spawn order".to_owned(),
        source,
    })?;
    nix::unistd::setsid().map_err(|source| LabError::System {
        doing: "start a session".to_owned(),
        source,
    })?;
    order.group.enter()?;
    if let Some(name) = &order.netns {
        netns::join(name)?;
    }
    spawn(&order)
}

fn spawn(order: &SpawnOrder) -> Result<u32, LabError> {
    let Some((program, args)) = order.argv.split_first() else {
        return Err(LabError::EmptyCommand);
    };
    let log = open_log(&order.log)?;
    let second = log.try_clone().map_err(|source| LabError::File {
        doing: "open",
        path: order.log.clone(),
        source,
    })?;
    let mut command = run::command(program, args);
    let child = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(second)
        .spawn()
        .map_err(|source| LabError::Start {
            command: run::render(&command),
            source,
        })?;
    Ok(child.id())
}

/// Opens a log for appending.
pub(crate) fn open_log(path: &Path) -> Result<File, LabError> {
    if let Some(parent) = path.parent() {
        crate::files::create_dir(parent)?;
    }
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| LabError::File {
            doing: "open",
            path: path.to_path_buf(),
            source,
        })
}
