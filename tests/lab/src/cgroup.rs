//! A control group for each node and for the control plane, in every hierarchy of the
//! machine. Groups are used to find, freeze and kill processes. Independent of labs.
//!
//! Supports cgroup v1, hybrid (v1 controllers, an empty v2 tree) and v2 hosts; tested on
//! a hybrid one. On v1 a group is created below the caller's own; on a pure v2 host at
//! the top of the tree, since a group with processes cannot delegate controllers.

mod hierarchies;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::{files, wait};

pub(crate) use hierarchies::Kind;

/// A group: its directory in each hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Group {
    dirs: Vec<PathBuf>,
}

impl Group {
    /// Creates the group `name` in every hierarchy of this machine.
    pub(crate) fn create(name: &str) -> Result<Self, LabError> {
        let hierarchies = hierarchies::of_this_process()?;
        let mut dirs = Vec::new();
        for hierarchy in &hierarchies {
            if hierarchy.kind == Kind::Unified && hierarchies.len() == 1 {
                delegate_controllers(&hierarchy.dir)?;
            }
            let dir = hierarchy.dir.join(name);
            files::create_dir(&dir)?;
            if hierarchy.kind == Kind::Cpuset {
                inherit_cpuset(&dir)?;
            }
            dirs.push(dir);
        }
        Ok(Self { dirs })
    }

    /// The groups whose name begins with `prefix`, as far as visible to this process.
    pub(crate) fn find(prefix: &str) -> Result<Vec<Self>, LabError> {
        let mut groups = Vec::new();
        for hierarchy in hierarchies::of_this_process()? {
            for name in files::list(&hierarchy.dir)? {
                if name.starts_with(prefix) && hierarchy.dir.join(&name).is_dir() {
                    groups.push(Self {
                        dirs: vec![hierarchy.dir.join(name)],
                    });
                }
            }
        }
        Ok(groups)
    }

    /// Moves the calling process into the group.
    pub(crate) fn enter(&self) -> Result<(), LabError> {
        self.dirs
            .iter()
            .try_for_each(|dir| files::write_existing(&dir.join("cgroup.procs"), "0"))
    }

    /// On a pure v2 host, moves a process of the group into a leaf: a group that delegates
    /// controllers may not contain processes.
    pub(crate) fn park(&self, pid: i32) -> Result<(), LabError> {
        match self.dirs.as_slice() {
            [dir] if dir.join("cgroup.controllers").exists() => {
                files::create_dir(&dir.join("outer"))?;
                files::write_existing(&dir.join("outer/cgroup.procs"), &pid.to_string())
            }
            _ => Ok(()),
        }
    }

    /// All processes in and below the group, as pids of the caller's namespace.
    #[must_use]
    pub(crate) fn pids(&self) -> BTreeSet<i32> {
        let mut pids = BTreeSet::new();
        for dir in self.dirs.iter().flat_map(|dir| tree(dir)) {
            // A group removed in the meantime contains no process.
            let text = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
            pids.extend(
                text.lines()
                    .filter_map(|line| line.parse::<i32>().ok())
                    .filter(|pid| *pid > 0),
            );
        }
        pids
    }

    /// Freezes or thaws the whole group.
    pub(crate) fn freeze(&self, frozen: bool) -> Result<(), LabError> {
        let (file, value, reached) = self.freezer(frozen)?;
        files::write_existing(&file, value)?;
        wait::until(
            "the cgroup to freeze or thaw",
            Duration::from_secs(10),
            || {
                let now = files::read(&file).map_err(|error| error.sentence())?;
                if now.trim() == reached {
                    Ok(())
                } else {
                    Err(now.trim().to_owned())
                }
            },
        )
    }

    /// Whether the group is frozen.
    #[must_use]
    pub(crate) fn is_frozen(&self) -> bool {
        self.freezer(true).is_ok_and(|(file, _, reached)| {
            files::read(&file).is_ok_and(|now| now.trim() == reached)
        })
    }

    /// Kills every process in the group and waits until none is left.
    pub(crate) fn kill(&self) -> Result<(), LabError> {
        if self.is_frozen() {
            self.freeze(false)?;
        }
        wait::until("the processes to exit", Duration::from_secs(20), || {
            let pids = self.pids();
            for pid in &pids {
                // A process that has exited in the meantime needs no signal.
                let _gone = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
            if pids.is_empty() {
                Ok(())
            } else {
                Err(format!("{} left", pids.len()))
            }
        })
    }

    /// Removes the groups of containers below this one: a new kubelet would spend seconds
    /// on each.
    pub(crate) fn clear(&self) -> Result<(), LabError> {
        for dir in &self.dirs {
            tree(dir)
                .iter()
                .skip(1)
                .rev()
                .try_for_each(|below| remove(below))?;
        }
        Ok(())
    }

    /// Removes the group, which must contain no processes.
    pub(crate) fn remove(&self) -> Result<(), LabError> {
        self.clear()?;
        self.dirs.iter().try_for_each(|dir| remove(dir))
    }

    /// The freezer's file, the value to write, and the value to read when done.
    fn freezer(&self, frozen: bool) -> Result<(PathBuf, &'static str, &'static str), LabError> {
        let existing = |file: &str| {
            self.dirs
                .iter()
                .map(|dir| dir.join(file))
                .find(|path| path.exists())
        };
        if let Some(file) = existing("freezer.state") {
            return Ok(if frozen {
                (file, "FROZEN", "FROZEN")
            } else {
                (file, "THAWED", "THAWED")
            });
        }
        match existing("cgroup.freeze") {
            Some(file) => Ok(if frozen {
                (file, "1", "1")
            } else {
                (file, "0", "0")
            }),
            None => Err(LabError::NoFreezer),
        }
    }
}

/// The directory and all below it, parents first.
fn tree(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_path_buf()];
    let mut next = 0;
    while let Some(dir) = found.get(next).cloned() {
        // A directory removed in the meantime is skipped.
        let names = files::list(&dir).unwrap_or_default();
        found.extend(
            names
                .iter()
                .map(|name| dir.join(name))
                .filter(|path| path.is_dir()),
        );
        next += 1;
    }
    found
}

fn remove(dir: &Path) -> Result<(), LabError> {
    match std::fs::remove_dir(dir) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(LabError::File {
            doing: "remove",
            path: dir.to_path_buf(),
            source,
        }),
        _ => Ok(()),
    }
}

/// A v1 cpuset starts empty and accepts no process until it is filled.
fn inherit_cpuset(dir: &Path) -> Result<(), LabError> {
    let Some(parent) = dir.parent() else {
        return Ok(());
    };
    for file in ["cpuset.cpus", "cpuset.mems"] {
        files::write_existing(&dir.join(file), files::read(&parent.join(file))?.trim())?;
    }
    Ok(())
}

/// v2: delegates all controllers of a group to its children.
pub(crate) fn delegate_controllers(dir: &Path) -> Result<(), LabError> {
    let offered = files::read(&dir.join("cgroup.controllers"))?;
    let enabled: Vec<String> = offered
        .split_whitespace()
        .map(|name| format!("+{name}"))
        .collect();
    files::write_existing(&dir.join("cgroup.subtree_control"), &enabled.join(" "))
}
