//! `cargo xtask crds`: the CRDs as files.

use anyhow::{Context, Result};
use ferrolb_image::product::checkout;

/// Writes the CRDs of all kinds into `config/crd`.
pub(crate) fn write() -> Result<()> {
    let folder = checkout().join("config/crd");
    for (name, text) in ferrolb_api::crds::files()? {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
