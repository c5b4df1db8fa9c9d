//! Writes the CRDs into the directory given as the only argument.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1);
    let folder = PathBuf::from(folder.ok_or("missing argument: the directory for the CRDs")?);
    for (name, text) in ferrolb_api::crds::files()? {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
