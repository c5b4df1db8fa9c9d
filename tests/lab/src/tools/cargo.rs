//! Builds the programs of this workspace as they are shipped: release, static, for this
//! machine.

use std::path::{Path, PathBuf};

use super::{checkout, missing};
use crate::error::LabError;
use crate::progress::Progress;
use crate::run;

/// A program of this workspace that goes into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The controller.
    Controller,
    /// The speaker.
    Speaker,
    /// The sample workload.
    Echo,
}

impl Product {
    /// The common name of package, binary and image.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Controller => "ferrolb-controller",
            Self::Speaker => "ferrolb-speaker",
            Self::Echo => "ferrolb-echo",
        }
    }
}

/// Builds the products and returns their files, in the same order.
pub fn build(products: &[Product], progress: &dyn Progress) -> Result<Vec<PathBuf>, LabError> {
    missing::require(&["cargo", "rustc"])?;
    let triple = host_triple()?;
    let names: Vec<&str> = products.iter().map(|product| product.name()).collect();
    let what = format!("building {} (release)", names.join(", "));
    progress.step(&what);
    let mut command = run::words("cargo build --release --quiet");
    command
        .current_dir(checkout())
        .arg("--target")
        .arg(&triple)
        .arg("--target-dir")
        .arg(target());
    // A static program runs in an image without any other file.
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    // Variables that cargo set for this program's own package: build scripts that depend
    // on them would cause a rebuild for each suite.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    for name in &names {
        command.args(["--package", name, "--bin", name]);
    }
    run::long(&mut command, &what, progress)?;
    Ok(names
        .iter()
        .map(|name| target().join(&triple).join("release").join(name))
        .collect())
}

/// The `lab` program: this executable; for a test suite it is built.
pub fn lab_binary(progress: &dyn Progress) -> Result<PathBuf, LabError> {
    let me = Path::new("/proc/self/exe");
    let name = std::fs::read_link(me).map_err(|source| LabError::File {
        doing: "read",
        path: me.to_path_buf(),
        source,
    })?;
    if name
        .file_name()
        .is_some_and(|name| name.to_string_lossy().trim_end_matches(" (deleted)") == "lab")
    {
        return Ok(me.to_path_buf());
    }
    missing::require(&["cargo"])?;
    let mut command = run::words("cargo build --quiet --package ferrolb-lab --bin lab");
    command
        .current_dir(checkout())
        .arg("--target-dir")
        .arg(target());
    run::long(&mut command, "building lab", progress)?;
    Ok(target().join("debug/lab"))
}

fn target() -> PathBuf {
    checkout().join("target")
}

fn host_triple() -> Result<String, LabError> {
    let text = run::line("rustc --version --verbose")?;
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| LabError::UnexpectedAnswer {
            origin: "rustc --version --verbose".to_owned(),
            answer: text.clone(),
        })
}
