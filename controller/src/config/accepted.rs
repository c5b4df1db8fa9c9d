//! The configuration in force and the ConfigMap that remembers it: what the
//! doors held when they last were without a fault. Pure.

use ferrolb_core::config::{Config, Sources, load, write};
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_KEY, MADE_FROM};
use ferrolb_runtime::kube::Change;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;

/// Objects named at most in the annotation, which has to stay small.
const NAMED: usize = 200;

/// The ConfigMap as it should be, valid only for the version it was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedWrite {
    /// The version to replace; none where the ConfigMap is to be created.
    pub version: Option<String>,
    /// The configuration.
    pub text: String,
    /// What it was made from.
    pub made_from: String,
}

/// The configuration in force.
#[derive(Debug)]
struct Force {
    config: Config,
    text: String,
    made_from: String,
}

/// The ConfigMap as it is.
#[derive(Debug)]
struct Shown {
    uid: String,
    version: Option<String>,
    text: Option<String>,
    made_from: Option<String>,
}

/// Both.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    listed: bool,
    shown: Option<Shown>,
    force: Option<Force>,
}

impl Accepted {
    pub(super) fn hear(&mut self, change: Change<ConfigMap>) {
        self.listed = true;
        let present = match change {
            Change::Apply(object) => Some(object),
            Change::Reset(objects) => objects.into_iter().next(),
            Change::Delete(_) => None,
        };
        self.shown = present.map(|object| Shown {
            uid: object.uid().unwrap_or_default(),
            version: object.resource_version(),
            made_from: object.annotations().get(MADE_FROM).cloned(),
            text: object.data.and_then(|mut data| data.remove(CONFIG_KEY)),
        });
    }

    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Puts what was accepted last into force, where nothing is yet.
    pub(super) fn adopt(&mut self) {
        let shown = self.shown.as_ref().filter(|_| self.force.is_none());
        let Some((shown, text)) = shown.and_then(|shown| Some((shown, shown.text.as_ref()?)))
        else {
            return;
        };
        let sources = Sources {
            text: Some(text.clone()),
            objects: Vec::new(),
        };
        match load(&sources) {
            Ok(loaded) => {
                self.force = Some(Force {
                    config: loaded.config,
                    text: text.clone(),
                    made_from: shown.made_from.clone().unwrap_or_default(),
                });
            }
            Err(faults) => {
                tracing::error!(configmap = ACCEPTED_CONFIG_MAP, %faults, "cannot be read");
            }
        }
    }

    /// A configuration without a fault was read; it is in force now.
    pub(super) fn accept(&mut self, config: &Config, made_from: String) {
        match write(config) {
            Ok(text) => {
                self.force = Some(Force {
                    config: config.clone(),
                    text,
                    made_from,
                });
            }
            Err(error) => tracing::error!(%error, "the configuration cannot be written down"),
        }
    }

    /// What is in force.
    pub(super) fn config(&self) -> Option<&Config> {
        self.force.as_ref().map(|force| &force.config)
    }

    /// Whether the ConfigMap of the administrator has a part in what is in
    /// force; `None` where nothing is.
    pub(super) fn has_text(&self) -> Option<bool> {
        let force = self.force.as_ref()?;
        Some(force.made_from.starts_with("ConfigMap/"))
    }

    /// `metadata.uid` of the ConfigMap that remembers it.
    pub(super) fn uid(&self) -> Option<&str> {
        self.shown.as_ref().map(|shown| &*shown.uid)
    }

    /// What to write, if the ConfigMap says anything but what is in force.
    pub(super) fn write(&self) -> Option<AcceptedWrite> {
        let force = self.force.as_ref().filter(|_| self.listed)?;
        let shown = self.shown.as_ref();
        let right = shown.is_some_and(|shown| {
            shown.text.as_ref() == Some(&force.text)
                && shown.made_from.as_ref() == Some(&force.made_from)
        });
        (!right).then(|| AcceptedWrite {
            version: shown.and_then(|shown| shown.version.clone()),
            text: force.text.clone(),
            made_from: force.made_from.clone(),
        })
    }
}

/// The annotation's text: each source with its version, the ConfigMap first.
pub(super) fn made_from(sources: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = sources.collect();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    let mut text = all.join(" ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
