//! A child process that cannot outlive its owner: killed on drop, and by the kernel if
//! the owner dies without dropping it, so that an aborted test leaves no orphan.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::error::LabError;
use crate::run;

/// A running child process.
///
/// The parent-death signal is tied to the *thread* that started the child, so each child
/// has its own thread that lives as long as the child.
#[derive(Debug)]
pub struct ChildGuard {
    pid: u32,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ChildGuard {
    /// Starts a command and appends its output to the file `log`.
    ///
    /// # Errors
    /// When the log cannot be opened or the child cannot be started.
    pub fn start(command: &Command, log: &Path) -> Result<Self, LabError> {
        let mut command = with_death_signal(command, log)?;
        let (stop, stopped) = channel();
        let (report, started) = channel();
        let thread = std::thread::spawn(move || own(&mut command, &report, &stopped));
        let started = started.recv().unwrap_or(Err(LabError::ThreadEnded));
        Ok(Self {
            pid: started?,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The child's process id, also after it has exited.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, the death signal has killed the child.
            let _ended = thread.join();
        }
    }
}

fn with_death_signal(command: &Command, log: &Path) -> Result<Command, LabError> {
    let open = |source| LabError::File {
        doing: "open",
        path: log.to_path_buf(),
        source,
    };
    let out = File::options()
        .create(true)
        .append(true)
        .open(log)
        .map_err(open)?;
    let err = out.try_clone().map_err(open)?;
    let mut wrapped = Command::new("setpriv");
    wrapped
        .args(["--pdeathsig", "KILL"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped.stdin(Stdio::null()).stdout(out).stderr(err);
    Ok(wrapped)
}

fn own(command: &mut Command, report: &Sender<Result<u32, LabError>>, stopped: &Receiver<()>) {
    let child = command.spawn().map_err(|source| LabError::Start {
        command: run::render(command),
        source,
    });
    let (reported, child) = match child {
        Ok(child) => (report.send(Ok(child.id())), Some(child)),
        Err(error) => (report.send(Err(error)), None),
    };
    if let Some(child) = child {
        if reported.is_ok() {
            // Dropping the sender is the signal to stop.
            let _stop = stopped.recv();
        }
        kill(child);
    }
}

fn kill(mut child: Child) {
    // Both fail only if the child has exited already.
    let _gone = child.kill();
    let _reaped = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_child_dies_when_its_owner_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let child = ChildGuard::start(&run::command("sh", ["-c", "echo $$; exec sleep 600"]), &log)
            .unwrap();
        let pid = crate::wait::until("the child's pid", Duration::from_secs(10), || {
            std::fs::read_to_string(&log)
                .unwrap_or_default()
                .trim()
                .parse::<u32>()
                .map_err(|e| e.to_string())
        })
        .unwrap();
        let proc_dir = format!("/proc/{pid}");
        assert!(Path::new(&proc_dir).exists());
        drop(child);
        assert!(!Path::new(&proc_dir).exists());
    }

    #[test]
    fn a_missing_program_is_reported_in_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let child = ChildGuard::start(&Command::new("no-such-program-here"), &log).unwrap();
        crate::wait::until("the error message", Duration::from_secs(10), || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if text.contains("no-such-program-here") {
                Ok(())
            } else {
                Err(text)
            }
        })
        .unwrap();
        drop(child);
    }
}
