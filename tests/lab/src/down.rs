//! Removing a lab: processes, namespaces, groups, files, in this order, whether all of
//! them, some, or none are there.

use nix::sys::signal::Signal;

use crate::dirs::Dirs;
use crate::error::LabError;
use crate::progress::Progress;
use crate::tools::lock;
use crate::{files, groups, interrupt, netns, procs};

/// Removes everything, taking turns with other processes that change the lab.
pub(crate) fn run(dirs: &Dirs, progress: &dyn Progress) -> Result<(), LabError> {
    let _lock = lock(&dirs.lock())?;
    sweep(dirs)?;
    progress.step("the lab is down");
    Ok(())
}

/// Removes everything; an interrupt is no reason to leave half of it. Mounts need no step of their own: they live in the namespaces of
/// the nodes' processes and end with them.
pub(crate) fn sweep(dirs: &Dirs) -> Result<(), LabError> {
    interrupt::clear();
    let groups = groups::all(dirs)?;
    groups.iter().try_for_each(crate::cgroup::Group::kill)?;
    for proc in procs::all(dirs)? {
        proc.signal(Signal::SIGKILL);
    }
    for name in netns::list(&dirs.name(""))? {
        netns::delete(&name)?;
    }
    groups.iter().try_for_each(crate::cgroup::Group::remove)?;
    files::remove_dir(dirs.root())
}
