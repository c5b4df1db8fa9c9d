//! The directories in which this process can create cgroups, from `/proc/self/mountinfo`
//! and `/proc/self/cgroup`. Parsing is pure.

use std::path::{Path, PathBuf};

use crate::error::LabError;
use crate::files;

/// The kind of a hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// cgroup v2.
    Unified,
    /// v1 with the cpuset controller, whose new groups must be initialised.
    Cpuset,
    /// Any other v1 hierarchy.
    Other,
}

/// A directory in which to create groups, one per hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    /// Its kind.
    pub(crate) kind: Kind,
    /// The directory.
    pub(crate) dir: PathBuf,
}

/// The hierarchies of this process.
pub(crate) fn of_this_process() -> Result<Vec<Hierarchy>, LabError> {
    let mounts = files::read(Path::new("/proc/self/mountinfo"))?;
    let own = files::read(Path::new("/proc/self/cgroup"))?;
    let hierarchies = read(&mounts, &own);
    if hierarchies.is_empty() {
        return Err(LabError::NoCgroups);
    }
    Ok(hierarchies)
}

/// One line of mountinfo that mounts a cgroup hierarchy.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    v2: bool,
    options: &'a str,
}

fn read(mountinfo: &str, own: &str) -> Vec<Hierarchy> {
    let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(mount).collect();
    let only_v2 = mounts.iter().all(|mount| mount.v2);
    own.lines()
        .filter_map(|line| hierarchy(line, &mounts, only_v2))
        .collect()
}

/// proc(5): `36 35 98:0 /part /mount/point rw,… shared:1 - cgroup cgroup rw,cpuset`.
fn mount(line: &str) -> Option<Mount<'_>> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, point) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let v2 = match right.next()? {
        "cgroup" => false,
        "cgroup2" => true,
        _ => return None,
    };
    Some(Mount {
        root,
        point,
        v2,
        options: right.nth(1)?,
    })
}

/// cgroups(7): `4:memory:/path`, `9:name=systemd:/`, and `0::/path` for v2.
fn hierarchy(line: &str, mounts: &[Mount<'_>], only_v2: bool) -> Option<Hierarchy> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, own) = (parts.next()?, parts.next()?);
    let mount = mounts.iter().find(|mount| serves(mount, controllers))?;
    let below = own
        .strip_prefix(mount.root)
        .unwrap_or(own)
        .trim_matches('/');
    let dir = if only_v2 || below.is_empty() {
        PathBuf::from(mount.point)
    } else {
        Path::new(mount.point).join(below)
    };
    let kind = match controllers {
        "" => Kind::Unified,
        names if names.split(',').any(|name| name == "cpuset") => Kind::Cpuset,
        _ => Kind::Other,
    };
    Some(Hierarchy { kind, dir })
}

fn serves(mount: &Mount<'_>, controllers: &str) -> bool {
    if controllers.is_empty() || mount.v2 {
        return controllers.is_empty() && mount.v2;
    }
    controllers
        .split(',')
        .all(|name| mount.options.split(',').any(|option| option == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";

    fn dirs(hierarchies: &[Hierarchy]) -> Vec<&str> {
        hierarchies
            .iter()
            .map(|hierarchy| hierarchy.dir.to_str().unwrap())
            .collect()
    }

    #[test]
    fn a_hybrid_host_has_each_hierarchy_below_the_own_group() {
        let own = "4:cpu,cpuacct:/user/one\n3:cpuset:/\n2:name=systemd:/session\n0::/session\n";
        let hierarchies = read(HYBRID, own);
        assert_eq!(
            dirs(&hierarchies),
            [
                "/sys/fs/cgroup/cpu,cpuacct/user/one",
                "/sys/fs/cgroup/cpuset",
                "/sys/fs/cgroup/systemd/session",
                "/sys/fs/cgroup/unified/session",
            ]
        );
        assert_eq!(hierarchies[1].kind, Kind::Cpuset);
        assert_eq!(hierarchies[3].kind, Kind::Unified);
    }

    #[test]
    fn a_v2_host_has_the_top_of_the_tree() {
        let mounts = "31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let hierarchies = read(mounts, "0::/user.slice/session-1.scope\n");
        assert_eq!(dirs(&hierarchies), ["/sys/fs/cgroup"]);
    }

    #[test]
    fn the_root_of_a_partial_mount_is_removed_from_the_path() {
        let mounts = "31 30 0:27 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        assert_eq!(
            dirs(&read(mounts, "4:memory:/box/inner\n")),
            ["/sys/fs/cgroup/memory/inner"]
        );
    }
}
