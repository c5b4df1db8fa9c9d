//! The file systems of a node. Runs in a new mount namespace, so that the host does not
//! see the changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::cgroup;
use crate::error::LabError;
use crate::{files, wait};

/// Kernel settings that a kubelet requires. The host's own stay unchanged: on a node they
/// are covered by files with the required values.
const SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Sets up all mounts.
pub(super) fn set_up(disk: &Path) -> Result<(), LabError> {
    // As on a host, since pods may use mount propagation.
    change("/", MsFlags::MS_REC | MsFlags::MS_SHARED)?;
    unmount_host_namespaces()?;
    control_groups()?;
    for (setting, value) in SETTINGS {
        let file = disk.join("settings").join(setting.replace('/', "."));
        files::write(&file, value)?;
        bind(&file, &Path::new("/proc/sys").join(setting))?;
    }
    // Empty after a power cut, as on a host.
    fresh("tmpfs", "run", "/run", Some("mode=755"))?;
    for dir in ["var/lib", "var/log"] {
        let source = disk.join(dir);
        files::create_dir(&source)?;
        bind(&source, &Path::new("/").join(dir))?;
    }
    ["/run/lock", "/run/containerd", "/var/lib/kubelet"]
        .iter()
        .try_for_each(|dir| files::create_dir(dir.as_ref()))
}

/// Unmounts the host's network namespaces: a copy of such a mount would keep the
/// namespace of another node alive.
fn unmount_host_namespaces() -> Result<(), LabError> {
    let mounts = files::read(Path::new("/proc/self/mountinfo"))?;
    let points: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(|point| point.starts_with("/run/netns"))
        .collect();
    for point in points.iter().rev() {
        umount2(*point, MntFlags::MNT_DETACH).map_err(|source| LabError::System {
            doing: format!("unmount {point}"),
            source,
        })?;
    }
    Ok(())
}

/// Mounts `/sys` of this network namespace, with the cgroups below the node's own.
fn control_groups() -> Result<(), LabError> {
    let own = files::read(Path::new("/proc/self/cgroup"))?;
    fresh("sysfs", "sysfs", "/sys", None)?;
    let v1: Vec<&str> = own
        .lines()
        .filter_map(|line| line.split(':').nth(1))
        .filter(|name| !name.is_empty())
        .collect();
    if v1.is_empty() {
        unified()
    } else {
        separate(&v1)
    }
}

/// v2: one tree, with processes only in its leaves.
fn unified() -> Result<(), LabError> {
    let top = Path::new("/sys/fs/cgroup");
    fresh("cgroup2", "cgroup2", "/sys/fs/cgroup", None)?;
    files::create_dir(&top.join("init"))?;
    files::write_existing(&top.join("init/cgroup.procs"), "1")?;
    // The parent process, outside the node, is in the top group until it is moved.
    wait::until(
        "the node's cgroup to have no processes",
        Duration::from_secs(10),
        || cgroup::delegate_controllers(top).map_err(|error| error.sentence()),
    )
}

/// v1: one mount per hierarchy, under the usual names.
fn separate(hierarchies: &[&str]) -> Result<(), LabError> {
    fresh("tmpfs", "cgroup", "/sys/fs/cgroup", Some("mode=755"))?;
    for hierarchy in hierarchies {
        let (dir, options) = match hierarchy.strip_prefix("name=") {
            Some(name) => (name, format!("none,{hierarchy}")),
            None => (*hierarchy, (*hierarchy).to_owned()),
        };
        let point = PathBuf::from("/sys/fs/cgroup").join(dir);
        files::create_dir(&point)?;
        fresh(
            "cgroup",
            "cgroup",
            &point.display().to_string(),
            Some(&options),
        )?;
    }
    Ok(())
}

fn fresh(kind: &str, source: &str, point: &str, data: Option<&str>) -> Result<(), LabError> {
    mount(Some(source), point, Some(kind), MsFlags::empty(), data).map_err(|errno| {
        LabError::System {
            doing: format!("mount {kind} on {point}"),
            source: errno,
        }
    })
}

fn bind(source: &Path, point: &Path) -> Result<(), LabError> {
    mount(
        Some(source),
        point,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .map_err(|errno| LabError::System {
        doing: format!("bind {} on {}", source.display(), point.display()),
        source: errno,
    })
}

fn change(point: &str, flags: MsFlags) -> Result<(), LabError> {
    mount(None::<&str>, point, None::<&str>, flags, None::<&str>).map_err(|errno| {
        LabError::System {
            doing: format!("share {point}"),
            source: errno,
        }
    })
}
