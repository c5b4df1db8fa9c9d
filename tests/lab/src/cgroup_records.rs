//! The lab's records of its control groups. The directories are recorded, because
//! another shell may run in another cgroup and derive different ones.

use crate::cgroup::Group;
use crate::dirs::Dirs;
use crate::error::LabError;
use crate::files;

/// Creates a group, or returns the recorded one.
pub(crate) fn create(dirs: &Dirs, name: &str) -> Result<Group, LabError> {
    let file = file(dirs, name);
    if file.exists() {
        return read(dirs, name);
    }
    let group = Group::create(&dirs.name(name))?;
    files::write_json(&file, &group)?;
    Ok(group)
}

/// A recorded group.
pub(crate) fn read(dirs: &Dirs, name: &str) -> Result<Group, LabError> {
    files::read_json(&file(dirs, name))
}

/// All recorded groups, and unrecorded ones with the lab's prefix.
pub(crate) fn all(dirs: &Dirs) -> Result<Vec<Group>, LabError> {
    let names = files::list(&dirs.file("cgroups"))?;
    let mut groups: Vec<Group> = names
        .iter()
        .filter_map(|name| files::read_json(&dirs.file("cgroups").join(name)).ok())
        .collect();
    groups.extend(Group::find(&dirs.name(""))?);
    Ok(groups)
}

fn file(dirs: &Dirs, name: &str) -> std::path::PathBuf {
    dirs.file("cgroups").join(format!("{name}.json"))
}
