//! The programs of this workspace that go into images: their names, the cargo command
//! that builds them as they are shipped (release, static), and where it puts them.
//! Starts nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ImageSpec;

/// A program of this workspace that goes into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The controller.
    Controller,
    /// The speaker.
    Speaker,
    /// The sample workload of the test lab.
    Echo,
}

impl Product {
    /// The programs that users install.
    pub const RELEASED: [Self; 2] = [Self::Controller, Self::Speaker];

    /// The common name of package, program and image.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Controller => "ferrolb-controller",
            Self::Speaker => "ferrolb-speaker",
            Self::Echo => "ferrolb-echo",
        }
    }

    /// The image's name and tag, as in the manifests.
    #[must_use]
    pub fn reference(self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        format!("ferrolb.local/{}:{version}", self.name())
    }

    /// The file that [`build_command`] creates for a target triple.
    #[must_use]
    pub fn program(self, triple: &str) -> PathBuf {
        let folder = target_dir().join(triple).join("release");
        folder.join(self.name())
    }
}

/// An image with one program, which is its entry point.
#[must_use]
pub fn spec(reference: &str, name: &str, program: PathBuf) -> ImageSpec {
    let entrypoint = format!("/{name}");
    ImageSpec {
        reference: reference.to_owned(),
        entrypoint: entrypoint.clone(),
        files: vec![(program, entrypoint)],
    }
}

/// The cargo command that builds these products for a target triple.
#[must_use]
pub fn build_command(products: &[Product], triple: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["build", "--release", "--quiet", "--target", triple])
        .arg("--target-dir")
        .arg(target_dir())
        .current_dir(checkout());
    // A static program runs in an image without any other file.
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    // Variables that cargo set for this program's own package: build scripts that depend
    // on them would cause a rebuild for each caller.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    for product in products {
        let name = product.name();
        command.args(["--package", name, "--bin", name]);
    }
    command
}

/// The target triple of this machine, from the output of `rustc --version --verbose`.
#[must_use]
pub fn host_triple(rustc_version: &str) -> Option<&str> {
    let mut lines = rustc_version.lines();
    lines.find_map(|line| line.strip_prefix("host: "))
}

/// The root of the checkout that this was built from.
#[must_use]
pub fn checkout() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Where cargo builds.
#[must_use]
pub fn target_dir() -> PathBuf {
    checkout().join("target")
}
