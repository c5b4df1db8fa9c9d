//! `cargo xtask deny`: what `cargo deny check licenses bans sources` checks, as far as
//! `deny.toml` uses it. cargo-deny reads the same file; it takes many minutes to build, so
//! `make lint` does not need it. Runs `cargo metadata`; `policy` decides.

mod policy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use ferrolb_image::product::checkout;

use policy::{Metadata, Package, Policy};

/// Checks all dependencies on all targets; returns a summary.
pub(crate) fn check() -> Result<String> {
    let path = checkout().join("deny.toml");
    let text = std::fs::read_to_string(&path).context("cannot read deny.toml")?;
    let policy: Policy = toml::from_str(&text).context("deny.toml")?;
    let packages = packages(&policy)?;
    let problems: Vec<String> = packages
        .values()
        .flat_map(|package| policy.problems(package))
        .collect();
    if !problems.is_empty() {
        bail!("deny.toml is violated:\n{}", problems.join("\n"));
    }
    let unused = policy.unused(packages.values());
    ensure!(
        unused.is_empty(),
        "deny.toml allows what nothing needs: {unused:?}"
    );
    Ok(format!("deny: {} packages checked", packages.len()))
}

/// Every package that is compiled for a target of the policy.
fn packages(policy: &Policy) -> Result<BTreeMap<String, Package>> {
    let mut packages = BTreeMap::new();
    for target in &policy.graph.targets {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(["--filter-platform", target])
            .current_dir(checkout())
            .output()
            .context("cannot start cargo metadata")?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata failed: {message}");
        let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
        packages.extend(metadata.resolved());
    }
    Ok(packages)
}
