//! Applies the samples of `config/samples` and deletes them afterwards. Pools
//! configured by the user are never changed.

use serde_json::Value;

use crate::error::LabError;
use crate::lab::Lab;
use crate::tools;

const POOL: &str = "pool.yaml";
const WORKLOAD: &str = "echo.yaml";
/// The Service of the demo; the comment in the file gives the reason for this choice.
pub(super) const SERVICE: &str = "service-local.yaml";
/// The samples' namespace.
pub(super) const NAMESPACE: &str = "demo";
/// The name of the samples' workload and of the Service.
pub(super) const NAME: &str = "echo";

/// The samples in a cluster.
pub(super) struct Samples<'a> {
    lab: &'a Lab,
    had_pool: bool,
}

impl<'a> Samples<'a> {
    /// Checks the cluster; an error if the user has configured other pools.
    pub(super) fn prepare(lab: &'a Lab) -> Result<Self, LabError> {
        let existing = [
            "-n",
            "ferrolb-system",
            "get",
            "configmap",
            "ferrolb",
            "--ignore-not-found",
            "-ojson",
        ];
        let existing = lab.kubectl(existing)?;
        let pool = file(POOL);
        let sample = lab.kubectl(["create", "--dry-run=client", "-ojson", "-f", &pool])?;
        let had_pool = !existing.trim().is_empty();
        if had_pool && data(&existing)? != data(&sample)? {
            return Err(LabError::PoolsExist);
        }
        Ok(Self { lab, had_pool })
    }

    /// Applies the pool and the workload, and waits until every pod is ready.
    pub(super) fn apply_workload(&self) -> Result<String, LabError> {
        let applied = self
            .lab
            .kubectl(["apply", "-f", &file(POOL), "-f", &file(WORKLOAD)])?;
        let daemonset = format!("daemonset/{NAME}");
        self.lab.kubectl([
            "-n",
            NAMESPACE,
            "rollout",
            "status",
            &daemonset,
            "--timeout=90s",
        ])?;
        Ok(applied)
    }

    /// Applies the Service.
    pub(super) fn apply_service(&self) -> Result<String, LabError> {
        self.lab.kubectl(["apply", "-f", &file(SERVICE)])
    }

    /// Deletes what was applied.
    pub(super) fn clean(&self) -> Result<(), LabError> {
        self.lab.kubectl([
            "delete",
            "namespace",
            NAMESPACE,
            "--ignore-not-found",
            "--timeout=60s",
        ])?;
        if !self.had_pool {
            self.lab
                .kubectl(["delete", "--ignore-not-found", "-f", &file(POOL)])?;
        }
        Ok(())
    }
}

/// The path of a sample in the checkout from which the lab was built.
fn file(name: &str) -> String {
    tools::checkout()
        .join("config/samples")
        .join(name)
        .display()
        .to_string()
}

/// The `data` of a ConfigMap in JSON.
fn data(config_map: &str) -> Result<Value, LabError> {
    let parsed: Value = serde_json::from_str(config_map).map_err(|source| LabError::Parse {
        what: "the ConfigMap ferrolb".to_owned(),
        source,
    })?;
    Ok(parsed["data"].clone())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_sample_of_the_demo_exists() {
        for name in [POOL, WORKLOAD, SERVICE] {
            assert!(Path::new(&file(name)).is_file(), "{name} is missing");
        }
    }
}
