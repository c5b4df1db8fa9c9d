//! The lab in which the claims are checked: started by the first claim, shared by all,
//! removed at the end. Also helpers that all claims use.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ferrolb_lab::lab::{Lab, Options};
use ferrolb_lab::{LabError, files, interrupt, plan, progress, tools, wait};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::{Claim, logs};

/// The namespace of FerroLB.
pub(crate) const SYSTEM: &str = "ferrolb-system";
/// The namespace of the claims, with the workload `echo`.
pub(crate) const NAMESPACE: &str = "demo";
/// How long the cluster may take to recover from a failure.
const SETTLE: Duration = Duration::from_secs(90);

static FIXTURE: OnceLock<Result<Fixture, Failure>> = OnceLock::new();

/// The lab and what the claims have recorded so far.
pub(crate) struct Fixture {
    pub(crate) lab: Lab,
    interrupted: AtomicBool,
    bad_lines_found: Mutex<BTreeSet<String>>,
    ignored: Mutex<BTreeSet<String>>,
}

/// The fixture, started by the first call. If that fails, the first claim reports why.
pub(crate) fn get() -> Result<&'static Fixture, Failure> {
    let started = FIXTURE.get().is_some();
    FIXTURE
        .get_or_init(Fixture::up)
        .as_ref()
        .map_err(|failure| match started {
            true => Failure::new("the lab did not start; see the first claim"),
            false => failure.clone(),
        })
}

/// Removes the lab, if any claim was checked. With `LAB_KEEP` set it stays up, for
/// inspection with `cargo lab --dir`.
pub(crate) fn down() -> Result<(), Failure> {
    if FIXTURE.get().is_none() {
        return Ok(());
    }
    if std::env::var_os("LAB_KEEP").is_some() {
        note(&format!("the lab stays up: {}", directory().display()));
        return Ok(());
    }
    Ok(Lab::open(&directory())?.down(&progress::Silent)?)
}

/// Prints a line for the user.
pub(crate) fn note(line: &str) {
    // Output is optional.
    let _ = writeln!(std::io::stderr(), "    {line}");
}

/// The state directory of the suite's own lab.
fn directory() -> PathBuf {
    tools::checkout().join("target/lab-test")
}

/// A file of the checkout.
pub(crate) fn checkout(path: &str) -> String {
    tools::checkout().join(path).display().to_string()
}

impl Fixture {
    fn up() -> Result<Self, Failure> {
        interrupt::watch()?;
        let lab = Lab::open(&directory())?;
        // A lab left up by an earlier run contains an older build.
        lab.down(&progress::Silent)?;
        lab.up(&Options::default(), &progress::Stderr::new())?;
        let fixture = Self {
            lab,
            interrupted: AtomicBool::new(false),
            bad_lines_found: Mutex::default(),
            ignored: Mutex::default(),
        };
        fixture.apply(&configuration(""))?;
        fixture
            .lab
            .kubectl(["apply", "-f", &checkout("config/samples/echo.yaml")])?;
        fixture.lab.kubectl([
            "apply",
            "-f",
            &checkout("config/samples/service-local.yaml"),
        ])?;
        fixture.settle()?;
        Ok(fixture)
    }

    /// Checks a claim. After Ctrl-C the remaining claims fail at once, so that the lab is
    /// removed soon.
    pub(crate) fn check(&self, claim: Claim) -> Result<(), Failure> {
        let interrupted = || Failure::new("interrupted");
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        let result = claim(self);
        if result
            .as_ref()
            .is_err_and(|failure| failure.to_string() == LabError::Interrupted.to_string())
        {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Applies an object.
    pub(crate) fn apply(&self, object: &Value) -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("object.json");
        files::write_json(&file, object)?;
        self.lab
            .kubectl(["apply", "-f", &file.display().to_string()])?;
        Ok(())
    }

    /// Waits until nodes, speakers, controllers and the workload are ready.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        let timeout = format!("--timeout={}s", SETTLE.as_secs());
        self.lab
            .kubectl(["wait", "--for=condition=Ready", "nodes", "--all", &timeout])?;
        for (namespace, what) in [
            (SYSTEM, "deployment/ferrolb-controller"),
            (SYSTEM, "daemonset/ferrolb-speaker"),
            (NAMESPACE, "daemonset/echo"),
        ] {
            self.lab
                .kubectl(["-n", namespace, "rollout", "status", what, &timeout])?;
        }
        Ok(())
    }

    /// Names of the pods of a component, optionally of one node only.
    pub(crate) fn pods(&self, component: &str, node: Option<u8>) -> Result<Vec<String>, Failure> {
        let label = format!("--selector=app.kubernetes.io/component={component}");
        let mut args = vec![
            "-n".to_owned(),
            SYSTEM.to_owned(),
            "get".to_owned(),
            "pods".to_owned(),
            label,
        ];
        args.extend(
            node.map(|node| format!("--field-selector=spec.nodeName={}", plan::node_name(node))),
        );
        args.push("-oname".to_owned());
        Ok(self
            .lab
            .kubectl(args)?
            .split_whitespace()
            .map(str::to_owned)
            .collect())
    }

    /// Reads the logs while their pods still exist; [`logs::are_clean`] checks the bad
    /// lines found.
    pub(crate) fn read_logs(&self) -> Result<(), Failure> {
        let found = logs::bad_lines_found(self)?;
        let bad: Vec<String> = {
            let ignored = locked(&self.ignored);
            found
                .into_iter()
                .filter(|line| !ignored.contains(line))
                .collect()
        };
        self.bad_lines_found().extend(bad);
        Ok(())
    }

    /// Ignores the denials since the last [`Fixture::read_logs`]: an API server that has
    /// just started answers requests before it has loaded its roles, and denies them.
    /// Permissions that are really missing are found at all other times.
    pub(crate) fn ignore_denials_so_far(&self) -> Result<(), Failure> {
        let found = logs::bad_lines_found(self)?;
        let known = self.bad_lines_found();
        let fresh = |line: &String| logs::is_denial(line) && !known.contains(line);
        locked(&self.ignored).extend(found.into_iter().filter(fresh));
        Ok(())
    }

    /// The distinct bad lines found in the logs so far.
    pub(crate) fn bad_lines_found(&self) -> MutexGuard<'_, BTreeSet<String>> {
        locked(&self.bad_lines_found)
    }

    /// Waits for a condition of the cluster, as long as it may take to recover.
    pub(crate) fn wait<T>(
        &self,
        what: &str,
        mut check: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        Ok(wait::until(what, SETTLE, || {
            check().map_err(|failure| failure.to_string())
        })?)
    }
}

/// The value, even if another claim panicked while it held the lock.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A configuration with the sample pool, a pool for fifty more Services, and `more`
/// text.
pub(crate) fn configuration(more: &str) -> Value {
    let pools = "pools:\n\
        - name: lan\n  addresses: [10.77.0.240-10.77.0.250, fd77::f0-fd77::ff]\n\
        - name: wide\n  addresses: [10.77.0.100-10.77.0.180]\n";
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "ferrolb", "namespace": SYSTEM },
        "data": { "config.yaml": format!("{pools}{more}") },
    })
}

/// A Service of type LoadBalancer in the claims' namespace.
pub(crate) fn service(name: &str, selector: &str, policy: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": policy,
            "selector": { "app.kubernetes.io/name": selector },
            "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }],
        },
    })
}
