//! What the doors have shown so far, and what follows from it. Pure: changes
//! in, configurations and objections out.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use ferrolb_core::config::{Fault, Faults, Kind, Object, Sources, load};
use ferrolb_core::names::{CONFIG_KEY, CONFIG_MAP};
use ferrolb_runtime::kube::Change;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::Value;

use super::Knock;
use crate::k8s::watches::Input;
use crate::reconcile::{FaultyConfig, Seen};

#[cfg(test)]
mod tests;

/// Something to tell whoever looks after an object of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Kind of the object.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Reason of the Event.
    pub reason: &'static str,
    /// What to say.
    pub note: String,
}

/// The state of both doors.
#[derive(Debug)]
pub struct Doors {
    namespace: String,
    leading: bool,
    /// Lists that are yet to come; before that nothing is read.
    config_map_listed: bool,
    discovered: bool,
    unlisted: BTreeSet<Kind>,
    config_map: Option<Map>,
    objects: BTreeMap<(Kind, String), Entry>,
    /// Objects of other namespaces that were told they are ignored.
    ignored: BTreeSet<String>,
    /// Whether there has been an object: then none left means no pools.
    used: bool,
    last: Option<(Option<Map>, Sources)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Map {
    uid: String,
    text: Option<String>,
}

#[derive(Debug)]
struct Entry {
    uid: String,
    object: Object,
}

impl Doors {
    /// Nothing has been seen yet. `namespace` is ours.
    #[must_use]
    pub fn new(namespace: String, leading: bool) -> Self {
        Self {
            namespace,
            leading,
            config_map_listed: false,
            discovered: false,
            unlisted: BTreeSet::new(),
            config_map: None,
            objects: BTreeMap::new(),
            ignored: BTreeSet::new(),
            used: false,
            last: None,
        }
    }

    /// Takes in a change; what follows from it.
    pub fn hear(&mut self, knock: Knock) -> Vec<Input> {
        let mut inputs = Vec::new();
        match knock {
            Knock::ConfigMap(change) => self.hear_config_map(change),
            Knock::Served(kinds) => {
                self.discovered = true;
                self.unlisted.extend(kinds);
            }
            Knock::Objects(kind, change) => self.hear_objects(kind, change, &mut inputs),
        }
        self.used |= !self.objects.is_empty();
        if self.config_map_listed && self.discovered && self.unlisted.is_empty() {
            self.read(&mut inputs);
        }
        inputs
    }

    fn hear_config_map(&mut self, change: Change<ConfigMap>) {
        self.config_map_listed = true;
        let present = match change {
            Change::Apply(object) => Some(object),
            Change::Reset(objects) => objects.into_iter().next(),
            Change::Delete(_) => None,
        };
        self.config_map = present.map(|object| Map {
            uid: object.uid().unwrap_or_default(),
            text: object.data.and_then(|mut data| data.remove(CONFIG_KEY)),
        });
    }

    fn hear_objects(&mut self, kind: Kind, change: Change<DynamicObject>, inputs: &mut Vec<Input>) {
        match change {
            Change::Apply(object) => self.put(kind, object, inputs),
            Change::Delete(object) => {
                let ours = object.namespace().as_deref() == Some(&self.namespace);
                if ours {
                    self.objects.remove(&(kind, object.name_any()));
                }
                self.ignored.remove(&object.uid().unwrap_or_default());
            }
            Change::Reset(objects) => {
                self.unlisted.remove(&kind);
                self.objects.retain(|(other, _), _| *other != kind);
                for object in objects {
                    self.put(kind, object, inputs);
                }
            }
        }
    }

    fn put(&mut self, kind: Kind, object: DynamicObject, inputs: &mut Vec<Input>) {
        let (name, uid) = (object.name_any(), object.uid().unwrap_or_default());
        let namespace = object.namespace().unwrap_or_default();
        if namespace != self.namespace {
            if self.leading && self.ignored.insert(uid.clone()) {
                let note = format!("ignored: only objects in {} are read", self.namespace);
                inputs.push(Input::Objection(Objection {
                    kind: kind.name(),
                    namespace,
                    name,
                    uid,
                    reason: "Ignored",
                    note,
                }));
            }
            return;
        }
        let object = Object {
            kind,
            name: name.clone(),
            labels: object.metadata.labels.unwrap_or_default(),
            spec: object.data.get("spec").cloned().unwrap_or(Value::Null),
        };
        self.objects.insert((kind, name), Entry { uid, object });
    }

    /// Reads everything as one, unless that is what was read last.
    fn read(&mut self, inputs: &mut Vec<Input>) {
        let objects = self.objects.values().map(|entry| entry.object.clone());
        let sources = Sources {
            text: self.config_map.as_ref().and_then(|map| map.text.clone()),
            objects: objects.collect(),
        };
        let now = (self.config_map.clone(), sources);
        if self.last.as_ref() == Some(&now) {
            return;
        }
        let seen = self.seen(&now.1, inputs);
        inputs.push(Input::Config(seen, Some(fingerprint(&now))));
        self.last = Some(now);
    }

    fn seen(&self, sources: &Sources, inputs: &mut Vec<Input>) -> Seen {
        let uid = self.config_map.as_ref().map(|map| map.uid.clone());
        if self
            .config_map
            .as_ref()
            .is_some_and(|map| map.text.is_none())
        {
            let faults = Faults::whole(format!("the ConfigMap has no key {CONFIG_KEY}"));
            let uid = uid.unwrap_or_default();
            return Seen::Faulty(FaultyConfig { uid, faults });
        }
        if uid.is_none() && !self.used {
            return Seen::Absent;
        }
        match load(sources) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    tracing::warn!(%warning, "configuration");
                    inputs.extend(self.objection(warning, "ConfigWarning"));
                }
                Seen::Good(loaded.config)
            }
            Err(faults) => {
                // The ConfigMap is told of all faults together, by the engine.
                let about_objects = faults.iter().filter(|fault| self.owner(fault).is_some());
                inputs.extend(
                    about_objects.filter_map(|fault| self.objection(fault, "ConfigInvalid")),
                );
                let uid = uid.unwrap_or_default();
                Seen::Faulty(FaultyConfig { uid, faults })
            }
        }
    }

    /// The object a fault is about; its path begins with kind and name.
    fn owner(&self, fault: &Fault) -> Option<&Entry> {
        let place = fault.path.split(' ').next().unwrap_or_default();
        let (kind, name) = place.split_once('/')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        self.objects.get(&(kind, name.to_owned()))
    }

    fn objection(&self, fault: &Fault, reason: &'static str) -> Option<Input> {
        let (kind, name, uid) = match (self.owner(fault), &self.config_map) {
            (Some(entry), _) => (entry.object.kind.name(), &*entry.object.name, &entry.uid),
            (None, Some(map)) => ("ConfigMap", CONFIG_MAP, &map.uid),
            (None, None) => return None,
        };
        self.leading.then(|| {
            Input::Objection(Objection {
                kind,
                namespace: self.namespace.clone(),
                name: name.to_owned(),
                uid: uid.clone(),
                reason,
                note: fault.to_string(),
            })
        })
    }
}

/// Tells one content from another, in this and in later watches.
fn fingerprint(content: &(Option<Map>, Sources)) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{content:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
