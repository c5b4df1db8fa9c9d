//! The lab's records of the processes it started. A pid may be reused; pid and start time
//! together identify a process.

use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::files;

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proc {
    /// Its pid in the root namespace.
    pub(crate) pid: i32,
    /// When it started, in clock ticks since boot (proc(5), stat field 22).
    pub(crate) start: u64,
}

impl Proc {
    /// The process that has this pid now, if any.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let (_, start) = stat(pid)?;
        Some(Self { pid, start })
    }

    /// Whether it is still running (a zombie is not).
    #[must_use]
    pub(crate) fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|(state, start)| state != 'Z' && start == self.start)
    }

    /// Sends a signal, if it is still the same process.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.is_alive() {
            // A process that has exited in the meantime needs no signal.
            let _gone = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Its children.
    #[must_use]
    pub(crate) fn children(&self) -> Vec<i32> {
        let path = format!("/proc/{0}/task/{0}/children", self.pid);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect()
    }
}

/// Records a process under a name.
pub(crate) fn record(dirs: &Dirs, name: &str, proc: &Proc) -> Result<(), LabError> {
    files::write_json(&file(dirs, name), proc)
}

/// The process recorded under a name, if it is still running.
pub(crate) fn alive(dirs: &Dirs, name: &str) -> Option<Proc> {
    files::read_json::<Proc>(&file(dirs, name))
        .ok()
        .filter(Proc::is_alive)
}

/// All recorded processes.
pub(crate) fn all(dirs: &Dirs) -> Result<Vec<Proc>, LabError> {
    let names = files::list(&dirs.file("procs"))?;
    Ok(names
        .iter()
        .filter_map(|name| files::read_json(&dirs.file("procs").join(name)).ok())
        .collect())
}

/// The name of the program that a process runs.
pub(crate) fn program(pid: i32) -> Option<String> {
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = exe.file_name()?.to_string_lossy().into_owned();
    Some(name.trim_end_matches(" (deleted)").to_owned())
}

fn file(dirs: &Dirs, name: &str) -> PathBuf {
    dirs.file("procs").join(format!("{name}.json"))
}

fn stat(pid: i32) -> Option<(char, u64)> {
    let text =
        std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    parse(&text)
}

/// State and start time from a stat line; the program's name, in parentheses, may contain
/// spaces and parentheses itself.
fn parse(stat: &str) -> Option<(char, u64)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_past_a_name_with_parentheses() {
        let stat = "12 (odd) name) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse(stat), Some(('S', 4242)));
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let me = Proc::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(me.is_alive());
        assert!(
            !Proc {
                start: me.start + 1,
                ..me
            }
            .is_alive()
        );
    }
}
