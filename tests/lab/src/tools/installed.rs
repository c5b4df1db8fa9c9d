//! Programs that this machine has already: used only if every one of a set is there in a
//! version that fits.

use std::path::{Path, PathBuf};

use crate::run;

/// A program and the text by which its version answer is recognised as fitting; an empty
/// list means any version.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    ask: &'static [&'static str],
    fits: &'static [&'static str],
}

const fn kube(name: &'static str) -> Program {
    Program {
        name,
        ask: &["--version"],
        fits: &["Kubernetes v1.36."],
    }
}

const ETCD: Program = Program {
    name: "etcd",
    ask: &["--version"],
    fits: &["Version: 3.6.", "Version: 3.5."],
};
const KUBECTL: Program = Program {
    name: "kubectl",
    ask: &["version", "--client"],
    fits: &["Client Version: v1.36."],
};

/// What a lone API server needs.
pub(super) const API_SERVER: [Program; 3] = [ETCD, KUBECTL, kube("kube-apiserver")];

/// What a control plane and the Kubernetes part of a node need.
pub(super) const CONTROL_PLANE: [Program; 7] = [
    ETCD,
    KUBECTL,
    kube("kube-apiserver"),
    kube("kube-controller-manager"),
    kube("kube-scheduler"),
    kube("kubelet"),
    kube("kube-proxy"),
];

/// What runs containers. containerd 1.x reads another configuration, so it does not fit.
pub(super) const RUNTIME: [Program; 4] = [
    Program {
        name: "containerd",
        ask: &["--version"],
        fits: &[" v2.", " 2."],
    },
    Program {
        name: "containerd-shim-runc-v2",
        ask: &["-v"],
        fits: &[" v2.", " 2."],
    },
    Program {
        name: "ctr",
        ask: &["--version"],
        fits: &[" v2.", " 2."],
    },
    Program {
        name: "runc",
        ask: &["--version"],
        fits: &["version 1."],
    },
];

const fn plugin(name: &'static str) -> Program {
    Program {
        name,
        ask: &[],
        fits: &[],
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

/// Where distributions put CNI plugins.
pub(super) fn cni_path() -> Vec<PathBuf> {
    ["/opt/cni/bin", "/usr/lib/cni"].map(PathBuf::from).to_vec()
}

/// The whole set, or nothing.
pub(super) fn all(wanted: &[Program], dirs: &[PathBuf]) -> Option<Vec<(&'static str, PathBuf)>> {
    wanted
        .iter()
        .map(|program| Some((program.name, fitting(program, dirs)?)))
        .collect()
}

fn fitting(program: &Program, dirs: &[PathBuf]) -> Option<PathBuf> {
    dirs.iter()
        .map(|dir| dir.join(program.name))
        .find(|file| file.is_file() && fits(program, file))
}

fn fits(program: &Program, file: &Path) -> bool {
    program.fits.is_empty()
        || run::output(&mut run::command(file, program.ask))
            .is_ok_and(|answer| program.fits.iter().any(|version| answer.contains(version)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn pretend(dir: &Path, name: &str, answer: &str) {
        let file = dir.join(name);
        std::fs::write(&file, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn takes_a_set_only_if_every_version_fits() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = vec![dir.path().to_path_buf()];
        pretend(dir.path(), "etcd", "etcd Version: 3.6.4");
        pretend(dir.path(), "kubectl", "Client Version: v1.36.1");
        pretend(dir.path(), "kube-apiserver", "Kubernetes v1.29.0");
        assert!(all(&API_SERVER, &dirs).is_none());
        pretend(dir.path(), "kube-apiserver", "Kubernetes v1.36.0");
        assert_eq!(all(&API_SERVER, &dirs).unwrap().len(), 3);
    }
}
