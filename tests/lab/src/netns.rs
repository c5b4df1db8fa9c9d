//! Named network namespaces (`/run/netns/NAME`): create, delete, run commands in them.
//! Independent of labs.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use nix::sched::{CloneFlags, setns};

use crate::error::LabError;
use crate::{files, run};

/// Where `ip netns` keeps its namespaces.
const DIR: &str = "/run/netns";

/// The file of a namespace.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(DIR).join(name)
}

/// Whether the namespace exists.
#[must_use]
pub fn exists(name: &str) -> bool {
    path(name).exists()
}

/// Creates a namespace with the loopback interface up.
pub fn create(name: &str) -> Result<(), LabError> {
    run::line(&format!("ip netns add {name}"))?;
    run::line(&format!("ip -n {name} link set lo up"))?;
    Ok(())
}

/// Deletes a namespace; a missing one is not an error.
pub fn delete(name: &str) -> Result<(), LabError> {
    if exists(name) {
        run::line(&format!("ip netns delete {name}"))?;
    }
    Ok(())
}

/// The namespaces whose name begins with `prefix`.
pub fn list(prefix: &str) -> Result<Vec<String>, LabError> {
    let mut names = files::list(DIR.as_ref())?;
    names.retain(|name| name.starts_with(prefix));
    Ok(names)
}

/// A command that runs in the namespace.
pub fn exec<S: AsRef<std::ffi::OsStr>>(name: &str, argv: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net={}", path(name).display()))
        .arg("--")
        .args(argv);
    command
}

/// Runs `work` on a new thread in the namespace and returns its result. Sockets that it
/// opens and threads that it starts stay in the namespace.
pub fn enter<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
    let file = open(name)?;
    let result = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                setns(&file, CloneFlags::CLONE_NEWNET)?;
                Ok(work())
            })
            .join()
    });
    match result {
        Ok(entered) => entered.map_err(|source| LabError::System {
            doing: format!("enter the namespace {name}"),
            source,
        }),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Moves the calling thread into the namespace permanently.
pub fn join(name: &str) -> Result<(), LabError> {
    setns(open(name)?, CloneFlags::CLONE_NEWNET).map_err(|source| LabError::System {
        doing: format!("enter the namespace {name}"),
        source,
    })
}

fn open(name: &str) -> Result<File, LabError> {
    let path = path(name);
    File::open(&path).map_err(|source| LabError::File {
        doing: "open",
        path,
        source,
    })
}
