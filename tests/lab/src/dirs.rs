//! The paths of a lab's files, and the name prefix of everything that it creates
//! elsewhere. Paths only.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{files, plan, tools};

/// The state directory of one lab.
///
/// ```text
/// lab.json  env  admin.kubeconfig  …         options, environment, credentials
/// bin/lab                                    a copy of this program, made by `up`
/// pki/  etcd/  log/                          control plane
/// images/                                    image archives that every node imports
/// procs/  cgroups/                           processes and cgroups that `down` removes
/// nodes/node-1/{…, var/lib, var/log, log/}   configuration, disk and logs of a node
/// ```
#[derive(Debug, Clone)]
pub struct Dirs {
    root: PathBuf,
    prefix: String,
}

impl Dirs {
    /// The lab in this directory, whether it exists or not.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let root = resolved(path);
        let digest = files::hex(&Sha256::digest(root.as_os_str().as_encoded_bytes()));
        let prefix = format!("fl{}", &digest[..6]);
        Self { root, prefix }
    }

    /// `LAB_DIR`, or `target/lab` of this checkout.
    #[must_use]
    pub fn standard() -> PathBuf {
        std::env::var_os("LAB_DIR")
            .map_or_else(|| tools::checkout().join("target/lab"), PathBuf::from)
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name prefix of this lab's namespaces and cgroups; unique to the directory.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The full name of a namespace or cgroup, e.g. `fl3a9c01-client`.
    #[must_use]
    pub fn name(&self, of: &str) -> String {
        format!("{}-{of}", self.prefix)
    }

    /// The name of a node's namespace and cgroup.
    #[must_use]
    pub fn node_name(&self, node: u8) -> String {
        self.name(&plan::node_name(node))
    }

    /// A file of the lab.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A node's own directory.
    #[must_use]
    pub fn node(&self, node: u8) -> PathBuf {
        self.root.join("nodes").join(plan::node_name(node))
    }

    /// The log of a control plane program.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    /// The log of a node's program.
    #[must_use]
    pub fn node_log(&self, node: u8, name: &str) -> PathBuf {
        self.node(node).join("log").join(format!("{name}.log"))
    }

    /// The program that starts the lab's processes.
    #[must_use]
    pub fn lab_binary(&self) -> PathBuf {
        self.root.join("bin/lab")
    }

    /// The lock that `up` and `down` hold; next to the directory, since `down` removes
    /// that.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.with_extension("lock")
    }
}

/// The absolute path, with symbolic links in its existing part resolved, so that the
/// name of a directory does not change when it is created.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let existing = absolute
        .ancestors()
        .find_map(|part| Some((part, part.canonicalize().ok()?)));
    match existing {
        Some((part, real)) => match absolute.strip_prefix(part) {
            Ok(rest) if rest.as_os_str().is_empty() => real,
            Ok(rest) => real.join(rest),
            Err(_) => absolute,
        },
        None => absolute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_directories_never_share_a_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let one = Dirs::at(&dir.path().join("lab"));
        let two = Dirs::at(&dir.path().join("lab-test"));
        assert_ne!(one.prefix(), two.prefix());
        assert!(one.node_name(1).ends_with("-node-1"));
    }

    #[test]
    fn a_directory_keeps_its_prefix_when_it_is_created() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::fs::create_dir(dir.path().join("real")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("real"), &link).unwrap();
        let before = Dirs::at(&link.join("lab"));
        std::fs::create_dir(link.join("lab")).unwrap();
        assert_eq!(before.prefix(), Dirs::at(&link.join("lab")).prefix());
    }
}
