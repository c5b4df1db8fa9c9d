//! The lab the claims are tried in: brought up by the first claim, shared by
//! all, taken down at the end. Also the few things every claim does to it.

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

/// The namespace of FerroLB itself.
pub(crate) const SYSTEM: &str = "ferrolb-system";
/// The namespace the claims work in; it holds the workload `echo`.
pub(crate) const NAMESPACE: &str = "demo";
/// How long the cluster may take to be whole again after something was broken.
const SETTLE: Duration = Duration::from_secs(90);

static FIXTURE: OnceLock<Result<Fixture, Failure>> = OnceLock::new();

/// The fixture; see the file's head.
pub(crate) struct Fixture {
    pub(crate) lab: Lab,
    interrupted: AtomicBool,
    complaints: Mutex<BTreeSet<String>>,
    forgiven: Mutex<BTreeSet<String>>,
}

/// The fixture, up. If it could not be brought up, the first claim says why.
pub(crate) fn get() -> Result<&'static Fixture, Failure> {
    let known = FIXTURE.get().is_some();
    FIXTURE
        .get_or_init(Fixture::up)
        .as_ref()
        .map_err(|broken| match known {
            true => Failure::new("the lab did not come up; the first claim says why"),
            false => broken.clone(),
        })
}

/// Takes down what is there; nothing is there if no claim was tried. With
/// `LAB_KEEP` set the lab stays up, to be looked at with `cargo lab --dir`.
pub(crate) fn down() -> Result<(), Failure> {
    if FIXTURE.get().is_none() {
        return Ok(());
    }
    if std::env::var_os("LAB_KEEP").is_some() {
        say(&format!("the lab is left up: {}", folder().display()));
        return Ok(());
    }
    Ok(Lab::open(&folder())?.down(&progress::Silent)?)
}

/// One line for whoever watches.
pub(crate) fn say(line: &str) {
    // Nobody watching is fine.
    let _ = writeln!(std::io::stderr(), "    {line}");
}

/// A lab of the suite's own, beside the user's.
fn folder() -> PathBuf {
    tools::checkout().join("target/lab-test")
}

/// A file of the checkout.
pub(crate) fn checkout(path: &str) -> String {
    tools::checkout().join(path).display().to_string()
}

impl Fixture {
    fn up() -> Result<Self, Failure> {
        interrupt::watch()?;
        let lab = Lab::open(&folder())?;
        // One that was left up holds what is to be tested in an older state.
        lab.down(&progress::Silent)?;
        lab.up(&Options::default(), &progress::Stderr::new())?;
        let fixture = Self {
            lab,
            interrupted: AtomicBool::new(false),
            complaints: Mutex::default(),
            forgiven: Mutex::default(),
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

    /// Tries a claim. After Ctrl-C the rest of the claims fail at once, so that
    /// the lab is soon taken down.
    pub(crate) fn attempt(&self, claim: Claim) -> Result<(), Failure> {
        let interrupted = || Failure::new("interrupted");
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        let tried = claim(self);
        if tried
            .as_ref()
            .is_err_and(|broken| broken.to_string() == LabError::Interrupted.to_string())
        {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        tried
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

    /// Waits until nodes, speakers, controllers and the workload are whole.
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

    /// The pods of a part of FerroLB, by name; of one node only, if given.
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

    /// Looks through the logs while their pods still exist; [`logs::are_clean`]
    /// judges what was found.
    pub(crate) fn read_logs(&self) -> Result<(), Failure> {
        let found = logs::complaints(self)?;
        let bad: Vec<String> = {
            let forgiven = locked(&self.forgiven);
            found
                .into_iter()
                .filter(|line| !forgiven.contains(line))
                .collect()
        };
        self.complaints().extend(bad);
        Ok(())
    }

    /// Forgives the refusals since the last [`Fixture::read_logs`]: an API server
    /// that has just started answers requests before it has read its own roles,
    /// and until then forbids what it will allow. Rights that are truly missing
    /// are complained of at every other time.
    pub(crate) fn forgive_refusals(&self) -> Result<(), Failure> {
        let found = logs::complaints(self)?;
        let known = self.complaints();
        let fresh = |line: &String| logs::is_refusal(line) && !known.contains(line);
        locked(&self.forgiven).extend(found.into_iter().filter(fresh));
        Ok(())
    }

    /// What the logs complained of so far, each line once.
    pub(crate) fn complaints(&self) -> MutexGuard<'_, BTreeSet<String>> {
        locked(&self.complaints)
    }

    /// Waits for a condition of the cluster for as long as it may take to settle.
    pub(crate) fn wait<T>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        Ok(wait::until(what, SETTLE, || {
            look().map_err(|broken| broken.to_string())
        })?)
    }
}

/// The value, even if another claim panicked while it held the lock.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sample's pool, one that is wide enough for fifty Services more, and what
/// else the configuration is to say.
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
