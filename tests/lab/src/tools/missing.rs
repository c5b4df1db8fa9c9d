//! Checks for installed programs. The error names the Debian package of each missing one.

use std::path::{Path, PathBuf};

use crate::error::LabError;

/// Programs that the lab runs, and how to install them.
const PACKAGES: [(&str, &str); 16] = [
    ("ip", "apt-get install iproute2"),
    ("nft", "apt-get install nftables"),
    ("iptables", "apt-get install iptables"),
    ("mount", "apt-get install mount"),
    ("nsenter", "apt-get install util-linux"),
    ("unshare", "apt-get install util-linux"),
    ("setpriv", "apt-get install util-linux"),
    ("arping", "apt-get install iputils-arping"),
    ("curl", "apt-get install curl"),
    ("conntrack", "apt-get install conntrack"),
    ("tcpdump", "apt-get install tcpdump"),
    ("gcc", "apt-get install gcc libc6-dev"),
    ("pkg-config", "apt-get install pkg-config"),
    (
        "go",
        "see https://go.dev/doc/install (1.21 or later; it fetches the version it needs)",
    ),
    ("cargo", "see https://rustup.rs"),
    ("rustc", "see https://rustup.rs"),
];

/// An error if any of the programs is not on PATH.
pub fn require(programs: &[&str]) -> Result<(), LabError> {
    let missing: Vec<String> = programs
        .iter()
        .filter(|name| on_path(name).is_none())
        .map(|name| how_to_install(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(LabError::MissingPrograms(missing))
}

/// An error if none of the files of a package exists.
pub(super) fn require_file(candidates: &[&str], package: &str) -> Result<(), LabError> {
    if candidates.iter().any(|path| Path::new(path).exists()) {
        return Ok(());
    }
    Err(LabError::MissingFile {
        path: candidates[0].to_owned(),
        package: package.to_owned(),
    })
}

/// An error unless this process is root.
pub fn require_root() -> Result<(), LabError> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(LabError::NotRoot)
}

/// The first executable of this name on PATH or in the system directories.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok())
}

fn how_to_install(name: &str) -> String {
    match PACKAGES.iter().find(|(program, _)| *program == name) {
        Some((_, how)) => format!("{name}: {how}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        assert_eq!(
            how_to_install("arping"),
            "arping: apt-get install iputils-arping"
        );
    }

    #[test]
    fn all_missing_programs_are_reported_at_once() {
        let text = require(&["sh", "no-such-1", "no-such-2"])
            .unwrap_err()
            .to_string();
        assert!(text.contains("no-such-1; no-such-2"), "{text}");
    }
}
