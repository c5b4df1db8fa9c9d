//! `cargo xtask images`: the images that users install, as OCI archives in
//! `target/images`.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use ferrolb_image::product::{self, Product};

/// Builds the released programs and their images; returns one path a line.
pub(crate) fn build() -> Result<String> {
    let triple = host_triple()?;
    let status = product::build_command(&Product::RELEASED, &triple)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "cargo build failed ({status})");
    let archives = Product::RELEASED.iter().map(|product| {
        let name = product.name();
        let archive = product::target_dir().join(format!("images/{name}.tar"));
        let spec = product::spec(&product.reference(), name, product.program(&triple));
        ferrolb_image::build(&spec, &archive)?;
        Ok(archive.display().to_string())
    });
    Ok(archives.collect::<Result<Vec<_>>>()?.join("\n"))
}

fn host_triple() -> Result<String> {
    let output = Command::new("rustc")
        .args(["--version", "--verbose"])
        .output();
    let output = output.context("cannot start rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let triple = product::host_triple(&text);
    Ok(triple.context("rustc does not report its host")?.to_owned())
}
