//! Removes a lab: processes, namespaces, cgroups and files, in this order, whether all,
//! some or none of them exist.

use nix::sys::signal::Signal;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::progress::Progress;
use crate::tools::lock;
use crate::{cgroup_records, files, interrupt, netns, procs};

/// The file that marks the directory of a lab.
const OPTIONS: &str = "lab.json";

/// Removes everything, under the lab's lock.
pub(crate) fn run(dirs: &Dirs, progress: &dyn Progress) -> Result<(), LabError> {
    let _lock = lock(&dirs.lock())?;
    remove_all(dirs)?;
    progress.step("the lab is down");
    Ok(())
}

/// Removes everything, also after an interrupt. Mounts need no step of their own: they
/// end with the mount namespaces of the nodes' processes.
pub(crate) fn remove_all(dirs: &Dirs) -> Result<(), LabError> {
    interrupt::clear();
    check_directory(dirs)?;
    let groups = cgroup_records::all(dirs)?;
    groups.iter().try_for_each(crate::cgroup::Group::kill)?;
    for proc in procs::all(dirs)? {
        proc.signal(Signal::SIGKILL);
    }
    for name in netns::list(&dirs.name(""))? {
        netns::delete(&name)?;
    }
    groups.iter().try_for_each(crate::cgroup::Group::remove)?;
    remove_files(dirs)
}

/// The options are removed last: they mark the directory of a lab, so that an
/// interrupted removal can be repeated.
fn remove_files(dirs: &Dirs) -> Result<(), LabError> {
    for name in files::list(dirs.root())? {
        let path = dirs.root().join(&name);
        if name == OPTIONS {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            files::remove_dir(&path)?;
        } else {
            files::remove(&path)?;
        }
    }
    files::remove_dir(dirs.root())
}

/// Rejects a directory with files that do not belong to a lab.
fn check_directory(dirs: &Dirs) -> Result<(), LabError> {
    let names = files::list(dirs.root())?;
    if names.is_empty() || names.iter().any(|name| name == OPTIONS) {
        return Ok(());
    }
    Err(LabError::ForeignDirectory {
        path: dirs.root().to_path_buf(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_directory_without_a_lab() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.txt");
        std::fs::write(&file, "text").unwrap();
        let refused = remove_all(&Dirs::at(dir.path())).unwrap_err();
        assert!(refused.to_string().contains("no lab"), "{refused}");
        assert!(file.exists());
    }

    #[test]
    fn removes_a_lab_that_was_never_up() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("lab");
        files::write(&root.join(OPTIONS), "{}").unwrap();
        files::write(&root.join("log/etcd.log"), "").unwrap();
        remove_all(&Dirs::at(&root)).unwrap();
        assert!(!root.exists());
    }
}
