//! Removing a lab: processes, namespaces, groups, files, in this order, whether all of
//! them, some, or none are there.

use nix::sys::signal::Signal;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::progress::Progress;
use crate::tools::lock;
use crate::{cgroup_records, files, interrupt, netns, procs};

/// The file that marks a lab's directory.
const OPTIONS: &str = "lab.json";

/// Removes everything, taking turns with other processes that change the lab.
pub(crate) fn run(dirs: &Dirs, progress: &dyn Progress) -> Result<(), LabError> {
    let _lock = lock(&dirs.lock())?;
    remove_all(dirs)?;
    progress.step("the lab is down");
    Ok(())
}

/// Removes everything; an interrupt is no reason to leave half of it. Mounts need no
/// step of their own: they live in the namespaces of the nodes' processes and end with
/// them.
pub(crate) fn remove_all(dirs: &Dirs) -> Result<(), LabError> {
    interrupt::clear();
    refuse_foreign(dirs)?;
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

/// The options go last: they are the mark of a lab, and a removal that was cut short
/// must be known as one.
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

/// A directory with files of somebody else's is not ours to empty.
fn refuse_foreign(dirs: &Dirs) -> Result<(), LabError> {
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
    fn refuses_to_empty_a_directory_that_holds_no_lab() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("thesis.txt");
        std::fs::write(&file, "years of work").unwrap();
        let refused = remove_all(&Dirs::at(dir.path())).unwrap_err();
        assert!(refused.to_string().contains("no lab"), "{refused}");
        assert!(file.exists());
    }

    #[test]
    fn removes_a_lab_that_never_came_up() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("lab");
        files::write(&root.join(OPTIONS), "{}").unwrap();
        files::write(&root.join("log/etcd.log"), "").unwrap();
        remove_all(&Dirs::at(&root)).unwrap();
        assert!(!root.exists());
    }
}
