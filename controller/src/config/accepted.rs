//! The configuration in force and the ConfigMap that stores it: the content of
//! the sources when they last were valid. Pure.

use ferrolb_core::config::{Config, Faults, Sources, load, write};
use ferrolb_core::names::CONFIG_KEY;

use super::ConfigMapView;

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
struct InForce {
    config: Config,
    text: String,
    made_from: String,
}

/// The ConfigMap as it is.
#[derive(Debug)]
struct Stored {
    uid: String,
    version: Option<String>,
    text: Option<String>,
    made_from: Option<String>,
}

/// Both.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    listed: bool,
    stored: Option<Stored>,
    in_force: Option<InForce>,
}

impl Accepted {
    /// The ConfigMap looks like this now; `None` when it does not exist.
    pub(super) fn stored(&mut self, map: Option<ConfigMapView>) {
        self.listed = true;
        self.stored = map.map(|mut map| Stored {
            uid: map.uid,
            version: map.version,
            made_from: map.made_from,
            text: map.data.remove(CONFIG_KEY),
        });
    }

    /// Whether it is known what is stored.
    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Puts what is stored into force where nothing is yet.
    pub(super) fn adopt(&mut self) -> Result<(), Faults> {
        let stored = self.stored.as_ref().filter(|_| self.in_force.is_none());
        let Some((stored, text)) = stored.and_then(|one| Some((one, one.text.as_ref()?))) else {
            return Ok(());
        };
        let sources = Sources {
            text: Some(text.clone()),
            objects: Vec::new(),
        };
        self.in_force = Some(InForce {
            config: load(&sources)?.config,
            text: text.clone(),
            made_from: stored.made_from.clone().unwrap_or_default(),
        });
        Ok(())
    }

    /// A valid configuration was read; it is in force now.
    pub(super) fn accept(
        &mut self,
        config: &Config,
        made_from: String,
    ) -> Result<(), serde_json::Error> {
        self.in_force = Some(InForce {
            text: write(config)?,
            config: config.clone(),
            made_from,
        });
        Ok(())
    }

    /// What is in force.
    pub(super) fn config(&self) -> Option<&Config> {
        self.in_force.as_ref().map(|in_force| &in_force.config)
    }

    /// Whether the administrator's ConfigMap has a part in what is in force;
    /// `None` where nothing is.
    pub(super) fn has_text(&self) -> Option<bool> {
        let in_force = self.in_force.as_ref()?;
        Some(in_force.made_from.starts_with("ConfigMap/"))
    }

    /// `metadata.uid` of the ConfigMap that stores it.
    pub(super) fn uid(&self) -> Option<&str> {
        self.stored.as_ref().map(|stored| &*stored.uid)
    }

    /// What to write, if the ConfigMap differs from what is in force.
    pub(super) fn write(&self) -> Option<AcceptedWrite> {
        let in_force = self.in_force.as_ref().filter(|_| self.listed)?;
        let stored = self.stored.as_ref();
        let right = stored.is_some_and(|stored| {
            stored.text.as_ref() == Some(&in_force.text)
                && stored.made_from.as_ref() == Some(&in_force.made_from)
        });
        (!right).then(|| AcceptedWrite {
            version: stored.and_then(|stored| stored.version.clone()),
            text: in_force.text.clone(),
            made_from: in_force.made_from.clone(),
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
