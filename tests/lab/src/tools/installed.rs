//! Programs installed on this machine: used only if every program of a set is installed
//! in a suitable version.

use std::path::{Path, PathBuf};

use crate::run;

/// A program, the arguments that print its version, and the texts that identify a suitable
/// version; an empty list means any version.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    version_args: &'static [&'static str],
    suitable: &'static [&'static str],
}

const fn kube(name: &'static str) -> Program {
    Program {
        name,
        version_args: &["--version"],
        suitable: &["Kubernetes v1.36."],
    }
}

const ETCD: Program = Program {
    name: "etcd",
    version_args: &["--version"],
    suitable: &["Version: 3.6.", "Version: 3.5."],
};
const KUBECTL: Program = Program {
    name: "kubectl",
    version_args: &["version", "--client"],
    suitable: &["Client Version: v1.36."],
};

/// Programs of a standalone API server.
pub(super) const API_SERVER: [Program; 3] = [ETCD, KUBECTL, kube("kube-apiserver")];

/// Programs of a control plane and the Kubernetes programs of a node.
pub(super) const CONTROL_PLANE: [Program; 7] = [
    ETCD,
    KUBECTL,
    kube("kube-apiserver"),
    kube("kube-controller-manager"),
    kube("kube-scheduler"),
    kube("kubelet"),
    kube("kube-proxy"),
];

/// The container runtime. containerd 1.x has another configuration format and is not
/// suitable.
pub(super) const RUNTIME: [Program; 4] = [
    Program {
        name: "containerd",
        version_args: &["--version"],
        suitable: &[" v2.", " 2."],
    },
    Program {
        name: "containerd-shim-runc-v2",
        version_args: &["-v"],
        suitable: &[" v2.", " 2."],
    },
    Program {
        name: "ctr",
        version_args: &["--version"],
        suitable: &[" v2.", " 2."],
    },
    Program {
        name: "runc",
        version_args: &["--version"],
        suitable: &["version 1."],
    },
];

const fn plugin(name: &'static str) -> Program {
    Program {
        name,
        version_args: &[],
        suitable: &[],
    }
}

/// The CNI plugins of a node.
pub(super) const CNI: [Program; 3] = [plugin("bridge"), plugin("host-local"), plugin("loopback")];

/// `KUBEBUILDER_ASSETS`, then PATH.
pub(super) fn search_path() -> Vec<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    assets
        .into_iter()
        .chain(std::env::split_paths(&path))
        .collect()
}

/// The directories of CNI plugins in distributions.
pub(super) fn cni_path() -> Vec<PathBuf> {
    ["/opt/cni/bin", "/usr/lib/cni"].map(PathBuf::from).to_vec()
}

/// The files of all programs of a set, if all are suitable.
pub(super) fn all(programs: &[Program], dirs: &[PathBuf]) -> Option<Vec<(&'static str, PathBuf)>> {
    programs
        .iter()
        .map(|program| Some((program.name, find(program, dirs)?)))
        .collect()
}

fn find(program: &Program, dirs: &[PathBuf]) -> Option<PathBuf> {
    dirs.iter()
        .map(|dir| dir.join(program.name))
        .find(|file| file.is_file() && is_suitable(program, file))
}

fn is_suitable(program: &Program, file: &Path) -> bool {
    program.suitable.is_empty()
        || run::output(&mut run::command(file, program.version_args)).is_ok_and(|answer| {
            program
                .suitable
                .iter()
                .any(|version| answer.contains(version))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fake_program(dir: &Path, name: &str, answer: &str) {
        let file = dir.join(name);
        std::fs::write(&file, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_set_is_used_only_if_every_version_is_suitable() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = vec![dir.path().to_path_buf()];
        fake_program(dir.path(), "etcd", "etcd Version: 3.6.4");
        fake_program(dir.path(), "kubectl", "Client Version: v1.36.1");
        fake_program(dir.path(), "kube-apiserver", "Kubernetes v1.29.0");
        assert!(all(&API_SERVER, &dirs).is_none());
        fake_program(dir.path(), "kube-apiserver", "Kubernetes v1.36.0");
        assert_eq!(all(&API_SERVER, &dirs).unwrap().len(), 3);
    }
}
