//! The table of cases: their format, and how a case is played on a stage. A stage is the pure core or a real API server; the files
//! are the same for both.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

/// One case: a configuration and what happens under it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The claim of the case.
    pub(crate) claim: String,
    config: Value,
    #[serde(default)]
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    steps: Vec<Step>,
}

/// One event, or an expectation at that point.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Step {
    Create(Object),
    Change(Object),
    Delete(String),
    Configure(Value),
    Label(BTreeMap<String, BTreeMap<String, String>>),
    Restart,
    Expect(BTreeMap<String, Expected>),
}

/// A Service, or the fields of one that change; `null` removes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    name: String,
    #[serde(default)]
    labels: Value,
    #[serde(default)]
    annotations: Value,
    #[serde(default)]
    spec: Value,
}

/// What a Service shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expected {
    /// Exactly these addresses, and that it has what it requests.
    Has(Vec<String>),
    /// More than that.
    Says {
        /// Exactly these addresses.
        #[serde(default)]
        has: Vec<String>,
        /// The reason of the condition.
        reason: String,
        /// Parts of its message.
        #[serde(default)]
        message: Vec<String>,
    },
}

/// The observed state of a Service.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) addresses: Vec<String>,
    /// Status, reason and message of our condition.
    pub(crate) condition: Option<(bool, String, String)>,
}

impl Expected {
    /// What is not as expected.
    pub(crate) fn check(&self, look: &Look) -> Result<(), String> {
        let (has, reason, message) = match self {
            Self::Has(has) => (has, None, &[][..]),
            Self::Says {
                has,
                reason,
                message,
            } => (has, Some(reason), &message[..]),
        };
        let fits = match (&look.condition, reason) {
            (Some((_, shown, text)), Some(reason)) => {
                shown == reason && message.iter().all(|part| text.contains(part))
            }
            (Some((fulfilled, _, _)), None) => *fulfilled,
            (None, reason) => reason.is_none() && has.is_empty(),
        };
        if fits && *has == look.addresses {
            Ok(())
        } else {
            Err(format!("expected {self:?}, found {look:?}"))
        }
    }
}

/// Where cases are played.
pub(crate) trait Stage {
    type Error: Display;
    async fn configure(&mut self, text: String) -> Result<(), Self::Error>;
    async fn label(&mut self, namespace: &str, labels: &Value) -> Result<(), Self::Error>;
    async fn create(&mut self, service: Value) -> Result<(), Self::Error>;
    async fn change(&mut self, place: (&str, &str), patch: Value) -> Result<(), Self::Error>;
    async fn delete(&mut self, place: (&str, &str)) -> Result<(), Self::Error>;
    async fn restart(&mut self) -> Result<(), Self::Error>;
    async fn expect(&mut self, place: (&str, &str), what: &Expected) -> Result<(), Self::Error>;
}

/// Plays a case; an error names the step.
pub(crate) async fn play<S: Stage>(stage: &mut S, case: &Case) -> Result<(), String> {
    label(stage, &case.namespaces)
        .await
        .map_err(|e| e.to_string())?;
    let config = case.config.to_string();
    stage.configure(config).await.map_err(|e| e.to_string())?;
    for (number, step) in case.steps.iter().enumerate() {
        take(stage, step)
            .await
            .map_err(|error| format!("step {number}: {error}"))?;
    }
    Ok(())
}

async fn take<S: Stage>(stage: &mut S, step: &Step) -> Result<(), S::Error> {
    match step {
        Step::Create(object) => stage.create(service(object)).await,
        Step::Change(object) => stage.change(place(&object.name), patch(object)).await,
        Step::Delete(name) => stage.delete(place(name)).await,
        Step::Configure(config) => stage.configure(config.to_string()).await,
        Step::Label(namespaces) => label(stage, namespaces).await,
        Step::Restart => stage.restart().await,
        Step::Expect(all) => {
            for (name, expected) in all {
                stage.expect(place(name), expected).await?;
            }
            Ok(())
        }
    }
}

async fn label<S: Stage>(
    stage: &mut S,
    namespaces: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<(), S::Error> {
    for (namespace, labels) in namespaces {
        stage.label(namespace, &json!(labels)).await?;
    }
    Ok(())
}

/// `NAMESPACE/NAME`, or a name in `default`.
fn place(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("default", name))
}

fn service(object: &Object) -> Value {
    let (namespace, name) = place(&object.name);
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "web"}},
    });
    merge(&mut service, patch(object));
    service
}

fn patch(object: &Object) -> Value {
    let mut patch = json!({"metadata": {}});
    let metadata = [
        ("labels", &object.labels),
        ("annotations", &object.annotations),
    ];
    for (field, value) in metadata.into_iter().filter(|(_, value)| !value.is_null()) {
        patch["metadata"][field] = value.clone();
    }
    if !object.spec.is_null() {
        patch["spec"] = object.spec.clone();
    }
    patch
}

/// A JSON merge patch.
pub(crate) fn merge(into: &mut Value, patch: Value) {
    let Value::Object(fields) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            into.as_object_mut().map(|object| object.remove(&name));
        } else {
            merge(&mut into[name], value);
        }
    }
}

/// All cases of all files, each with the file's name.
pub(crate) fn load() -> Result<Vec<(String, Case)>, String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/allocation/cases");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let value: Value =
            serde_saphyr::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        let file: Vec<Case> =
            serde_json::from_value(value).map_err(|error| format!("{name}: {error}"))?;
        cases.extend(
            file.into_iter()
                .map(|case| (name.clone().into_owned(), case)),
        );
    }
    cases.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(cases)
}
