//! Builds the Go programs, again only when go.mod, go.sum, sources or flags change.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Tools, checkout, missing};
use crate::error::LabError;
use crate::progress::Progress;
use crate::{files, run};

/// Packages of one module that are built with the same flags.
#[derive(Debug)]
pub(super) struct Part {
    /// Its name in progress messages, and the name of its stamp file.
    name: &'static str,
    /// Directory of the module in the checkout.
    module: &'static str,
    /// Own source files in addition to go.mod and go.sum.
    sources: &'static [&'static str],
    packages: &'static [&'static str],
    /// Directory below the tools' directory.
    into: &'static str,
    /// File names of the programs.
    programs: &'static [&'static str],
    tags: &'static str,
    ldflags: &'static str,
    /// Linked against C libraries.
    cgo: bool,
    /// Build time without caches on two cores.
    takes: &'static str,
}

/// etcd and Kubernetes in one program. The version flags are required: without them nodes
/// report a meaningless version and `kubectl version` fails.
pub(super) const CONTROL_PLANE: Part = Part {
    name: "control-plane",
    module: "tests/control-plane",
    sources: &["main.go"],
    packages: &["."],
    into: "bin",
    programs: &["control-plane"],
    tags: "",
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    cgo: false,
    takes: "6 to 10 minutes",
};

/// containerd, its shim and client, without unused snapshotters.
pub(super) const CONTAINERD: Part = Part {
    name: "containerd",
    module: "tests/node-runtime",
    sources: &[],
    packages: &[
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
    ],
    into: "bin",
    programs: &["containerd", "containerd-shim-runc-v2", "ctr"],
    tags: "no_btrfs no_devmapper no_zfs no_aufs no_tracing",
    ldflags: "-s -w",
    cgo: false,
    takes: "1 to 2 minutes",
};

/// The three CNI plugins.
pub(super) const CNI: Part = Part {
    name: "cni",
    module: "tests/node-runtime",
    sources: &[],
    packages: &[
        "github.com/containernetworking/plugins/plugins/ipam/host-local",
        "github.com/containernetworking/plugins/plugins/main/bridge",
        "github.com/containernetworking/plugins/plugins/main/loopback",
    ],
    into: "cni",
    programs: &["host-local", "bridge", "loopback"],
    tags: "",
    ldflags: "-s -w",
    cgo: false,
    takes: "10 seconds",
};

/// runc, with the C library that it needs for seccomp profiles, linked statically.
pub(super) const RUNC: Part = Part {
    name: "runc",
    module: "tests/node-runtime",
    sources: &[],
    packages: &["github.com/opencontainers/runc"],
    into: "bin",
    programs: &["runc"],
    tags: "seccomp netgo osusergo",
    ldflags: "-s -w -linkmode external -extldflags -static",
    cgo: true,
    takes: "20 seconds",
};

/// The pods' sandbox process.
pub(super) const PAUSE: Part = Part {
    name: "pause",
    module: "tests/node-runtime",
    sources: &["pause/main.go"],
    packages: &["./pause"],
    into: "bin",
    programs: &["pause"],
    tags: "",
    ldflags: "-s -w",
    cgo: false,
    takes: "a few seconds",
};

/// Whether the part is built from the current sources.
pub(super) fn is_fresh(tools: &Tools, part: &Part) -> Result<bool, LabError> {
    let built = part
        .programs
        .iter()
        .all(|program| is_program(&tools.dir().join(part.into).join(program)));
    let stamp = files::read_if_there(&stamp_file(tools, part))?;
    Ok(built && stamp == Some(fingerprint(part)?))
}

/// Builds the part unless it is fresh.
pub(super) fn ensure(tools: &Tools, part: &Part, progress: &dyn Progress) -> Result<(), LabError> {
    if is_fresh(tools, part)? {
        return Ok(());
    }
    missing::require(&["go"])?;
    if part.cgo {
        missing::require(&["gcc", "pkg-config"])?;
        missing::require_file(&["/usr/include/seccomp.h"], "libseccomp-dev")?;
    }
    progress.step(&format!(
        "building {} (takes {}, only the first time)",
        part.name, part.takes
    ));
    unlink(tools, part)?;
    let what = format!("building {}", part.name);
    run::long(&mut command(tools, part), &what, progress)?;
    files::write(&stamp_file(tools, part), fingerprint(part)?)
}

/// Removes links to installed programs: the build would write through them.
fn unlink(tools: &Tools, part: &Part) -> Result<(), LabError> {
    for program in part.programs {
        let file = tools.dir().join(part.into).join(program);
        if file.is_symlink() {
            files::remove(&file)?;
        }
    }
    Ok(())
}

fn command(tools: &Tools, part: &Part) -> std::process::Command {
    let mut command = run::words("go build -trimpath");
    command
        .current_dir(checkout().join(part.module))
        .env("CGO_ENABLED", if part.cgo { "1" } else { "0" })
        .args(["-tags", part.tags, "-ldflags", part.ldflags, "-o"])
        .arg(format!("{}/", tools.dir().join(part.into).display()))
        .args(part.packages);
    command
}

fn is_program(file: &Path) -> bool {
    file.is_file() && !file.is_symlink()
}

fn stamp_file(tools: &Tools, part: &Part) -> PathBuf {
    tools.stamps().join(part.name)
}

fn fingerprint(part: &Part) -> Result<String, LabError> {
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum"].iter().chain(part.sources) {
        hash.update(files::read(&checkout().join(part.module).join(file))?);
    }
    hash.update(format!(
        "{:?}",
        (part.packages, part.tags, part.ldflags, part.cgo)
    ));
    Ok(files::hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_sources_in_the_checkout() {
        for part in [&CONTROL_PLANE, &CONTAINERD, &CNI, &RUNC, &PAUSE] {
            assert_eq!(fingerprint(part).unwrap().len(), 64, "{}", part.name);
        }
    }

    #[test]
    fn a_program_without_a_stamp_is_not_fresh() {
        let dir = tempfile::tempdir().unwrap();
        let tools = Tools {
            dir: dir.path().to_path_buf(),
        };
        std::fs::create_dir_all(tools.bin()).unwrap();
        std::fs::write(tools.program("pause"), "").unwrap();
        assert!(!is_fresh(&tools, &PAUSE).unwrap());
        files::write(&stamp_file(&tools, &PAUSE), fingerprint(&PAUSE).unwrap()).unwrap();
        assert!(is_fresh(&tools, &PAUSE).unwrap());
    }
}
