//! The programs of a lab: installed on this machine in a suitable version, or built once
//! from the pinned versions in `tests/control-plane` and `tests/node-runtime`. All are
//! available in one directory, `target/lab-tools`.

mod cargo;
mod go;
mod installed;
mod lock;
mod missing;

use std::path::{Path, PathBuf};

pub use ferrolb_image::product::checkout;

pub use cargo::{Product, build, lab_binary};
pub(crate) use lock::acquire as lock;
pub use missing::{require, require_root};

use crate::error::LabError;
use crate::files;
use crate::progress::Progress;

/// Which programs are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// etcd, kube-apiserver and kubectl.
    ApiServer,
    /// Those, the other control plane programs, and all programs of a node.
    Cluster,
}

/// The directory of tools: `bin/` (programs), `cni/` (plugins), `images/` (archives),
/// `stamps/` (fingerprints of the sources they were built from).
#[derive(Debug, Clone)]
pub struct Tools {
    dir: PathBuf,
}

impl Tools {
    /// `target/lab-tools` of this checkout.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            dir: checkout().join("target/lab-tools"),
        }
    }

    /// The directory itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of programs, for a PATH.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// The directory of CNI plugins.
    #[must_use]
    pub fn cni(&self) -> PathBuf {
        self.dir.join("cni")
    }

    /// The directory of image archives.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.dir.join("images")
    }

    /// A program by name, e.g. `kubectl`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    /// Ensures that the needed programs exist. A second process waits for the first.
    pub fn ensure(&self, need: Need, progress: &dyn Progress) -> Result<(), LabError> {
        for dir in [self.bin(), self.cni(), self.images(), self.stamps()] {
            files::create_dir(&dir)?;
        }
        let _lock = lock::acquire(&self.dir.join("lock"))?;
        match need {
            Need::ApiServer => self.ensure_kube(&installed::API_SERVER, progress),
            Need::Cluster => {
                self.ensure_kube(&installed::CONTROL_PLANE, progress)?;
                self.ensure_runtime(progress)
            }
        }
    }

    fn stamps(&self) -> PathBuf {
        self.dir.join("stamps")
    }

    /// Uses our own build if it is current, else the installed programs if all are
    /// suitable, else builds now.
    fn ensure_kube(
        &self,
        programs_needed: &[installed::Program],
        progress: &dyn Progress,
    ) -> Result<(), LabError> {
        if !go::is_fresh(self, &go::CONTROL_PLANE)?
            && let Some(programs) = installed::all(programs_needed, &installed::search_path())
        {
            return self.link_all(&programs, &self.bin());
        }
        go::ensure(self, &go::CONTROL_PLANE, progress)?;
        let ours: Vec<_> = installed::CONTROL_PLANE
            .iter()
            .map(|program| (program.name, PathBuf::from("control-plane")))
            .collect();
        self.link_all(&ours, &self.bin())
    }

    fn ensure_runtime(&self, progress: &dyn Progress) -> Result<(), LabError> {
        go::ensure(self, &go::PAUSE, progress)?;
        if !go::is_fresh(self, &go::CONTAINERD)?
            && let Some(programs) = installed::all(&installed::RUNTIME, &installed::search_path())
            && let Some(plugins) = installed::all(&installed::CNI, &installed::cni_path())
        {
            self.link_all(&programs, &self.bin())?;
            return self.link_all(&plugins, &self.cni());
        }
        for part in [&go::CONTAINERD, &go::CNI, &go::RUNC] {
            go::ensure(self, part, progress)?;
        }
        Ok(())
    }

    fn link_all(&self, programs: &[(&'static str, PathBuf)], into: &Path) -> Result<(), LabError> {
        for (name, target) in programs {
            let link = into.join(name);
            if std::fs::read_link(&link).is_ok_and(|now| now == *target) {
                continue;
            }
            files::link(target, &link)?;
        }
        Ok(())
    }
}
