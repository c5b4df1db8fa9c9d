//! Builds the programs of this workspace as they are shipped: release, static, for this
//! machine.

use std::path::{Path, PathBuf};

use ferrolb_image::product;
pub use ferrolb_image::product::Product;
use ferrolb_image::product::target_dir;

use super::{checkout, missing};
use crate::error::LabError;
use crate::progress::Progress;
use crate::run;

/// Builds the products and returns their files, in the same order.
pub fn build(products: &[Product], progress: &dyn Progress) -> Result<Vec<PathBuf>, LabError> {
    missing::require(&["cargo", "rustc"])?;
    let triple = host_triple()?;
    let names: Vec<&str> = products.iter().map(|product| product.name()).collect();
    let what = format!("building {} (release)", names.join(", "));
    progress.step(&what);
    run::long(
        &mut product::build_command(products, &triple),
        &what,
        progress,
    )?;
    let programs = products.iter().map(|product| product.program(&triple));
    Ok(programs.collect())
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
        .arg(target_dir());
    run::long(&mut command, "building lab", progress)?;
    Ok(target_dir().join("debug/lab"))
}

fn host_triple() -> Result<String, LabError> {
    let text = run::line("rustc --version --verbose")?;
    product::host_triple(&text)
        .map(str::to_owned)
        .ok_or_else(|| LabError::UnexpectedAnswer {
            origin: "rustc --version --verbose".to_owned(),
            answer: text.clone(),
        })
}
