//! What the doors have shown so far, and what follows from it. Pure: changes
//! in, configurations and objections out.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use ferrolb_core::config::{Fault, Faults, Kind, Object, Sources, load};
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_KEY, CONFIG_MAP, LEGACY_CONFIG_KEY};
use ferrolb_runtime::kube::Change;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::Value;

use crate::k8s::config_sources::Knock;
use crate::k8s::input::{Input, Objection};
use crate::reconcile::{FaultyConfig, Seen};

use super::accepted::{self, Accepted, AcceptedWrite};
use super::overlap::{Clash, Ground};

/// The state of both doors.
#[derive(Debug)]
pub struct Doors {
    namespace: String,
    leading: bool,
    /// Lists that are yet to come; before that nothing is read.
    config_map_listed: bool,
    discovered: bool,
    unlisted: BTreeSet<Kind>,
    /// Whether the API server has pools at all.
    pools_served: bool,
    config_map: Option<Map>,
    /// `metadata.resourceVersion` of the ConfigMap.
    map_version: String,
    accepted: Accepted,
    ground: Ground,
    objects: BTreeMap<(Kind, String), Entry>,
    /// Objects of other namespaces that were told they are ignored.
    ignored: BTreeSet<String>,
    /// Whether there has been an object since this began.
    used: bool,
    last: Option<(Option<Map>, Sources)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Map {
    uid: String,
    /// The text, or why there is none.
    text: Result<String, String>,
}

#[derive(Debug)]
struct Entry {
    uid: String,
    /// `metadata.generation`: unlike the version it stays when a status is written.
    generation: i64,
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
            pools_served: false,
            config_map: None,
            map_version: String::new(),
            accepted: Accepted::default(),
            ground: Ground::default(),
            objects: BTreeMap::new(),
            ignored: BTreeSet::new(),
            used: false,
            last: None,
        }
    }

    /// Takes in a change; what follows from it.
    pub fn hear(&mut self, knock: Knock) -> Vec<Input> {
        let mut inputs = Vec::new();
        // Nodes beat often and say nothing about the configuration.
        let about_ground = matches!(knock, Knock::Nodes(_) | Knock::ServiceRanges(_));
        match knock {
            Knock::ConfigMap(change) => self.hear_config_map(change),
            Knock::Accepted(change) => self.accepted.hear(change),
            Knock::Nodes(change) => self.ground.hear_nodes(change),
            Knock::ServiceRanges(change) => self.ground.hear_services(change),
            Knock::Served(kinds) => {
                self.discovered = true;
                self.pools_served |= kinds.contains(&Kind::IpAddressPool);
                self.unlisted.extend(kinds);
            }
            Knock::Objects(kind, change) => self.hear_objects(kind, change, &mut inputs),
        }
        self.used |= !self.objects.is_empty();
        let listed = self.config_map_listed && self.discovered && self.unlisted.is_empty();
        if listed && !about_ground && (self.accepted.is_listed() || !self.leading) {
            self.read(&mut inputs);
        }
        let clashes = self.ground.news(self.accepted.config());
        inputs.extend(clashes.iter().filter_map(|clash| self.clash(clash)));
        inputs
    }

    /// How the ConfigMap that remembers the configuration is to be written.
    #[must_use]
    pub fn remember(&self) -> Option<AcceptedWrite> {
        self.accepted.write()
    }

    fn hear_config_map(&mut self, change: Change<ConfigMap>) {
        self.config_map_listed = true;
        let present = match change {
            Change::Apply(object) => Some(object),
            Change::Reset(objects) => objects.into_iter().next(),
            Change::Delete(_) => None,
        };
        let version = present.as_ref().and_then(ResourceExt::resource_version);
        self.map_version = version.unwrap_or_default();
        self.config_map = present.map(|object| Map {
            uid: object.uid().unwrap_or_default(),
            text: text(object.data.unwrap_or_default()),
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
        let generation = object.metadata.generation.unwrap_or_default();
        let object = Object {
            kind,
            name: name.clone(),
            labels: object.metadata.labels.unwrap_or_default(),
            spec: object.data.get("spec").cloned().unwrap_or(Value::Null),
        };
        let entry = Entry {
            uid,
            generation,
            object,
        };
        self.objects.insert((kind, name), entry);
    }

    /// Reads everything as one, unless that is what was read last.
    fn read(&mut self, inputs: &mut Vec<Input>) {
        let objects = self.objects.values().map(|entry| entry.object.clone());
        let sources = Sources {
            text: self
                .config_map
                .as_ref()
                .and_then(|map| map.text.clone().ok()),
            objects: objects.collect(),
        };
        let now = (self.config_map.clone(), sources);
        if self.last.as_ref() == Some(&now) {
            return;
        }
        if self.last.is_none() {
            self.accepted.adopt();
        }
        let seen = self.seen(&now.1, inputs);
        inputs.push(Input::Config(seen, Some(fingerprint(&now))));
        self.last = Some(now);
        self.ground.reconsider();
    }

    fn seen(&mut self, sources: &Sources, inputs: &mut Vec<Input>) -> Seen {
        let uid = self.config_map.as_ref().map(|map| map.uid.clone());
        if let Some(Map {
            uid,
            text: Err(why),
        }) = &self.config_map
        {
            return self.faulty(uid.clone(), Faults::whole(why));
        }
        if uid.is_none() && self.objects.is_empty() && !self.is_emptied() {
            inputs.extend(self.missing());
            return Seen::Absent(self.accepted.config().cloned());
        }
        match load(sources) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    tracing::warn!(%warning, "configuration");
                    inputs.extend(self.objection(warning, "ConfigWarning"));
                }
                self.accepted.accept(&loaded.config, self.made_from());
                Seen::Good(loaded.config)
            }
            Err(faults) => {
                // The ConfigMap is told of all faults together, by the engine.
                let about_objects = faults.iter().filter(|fault| self.owner(fault).is_some());
                inputs.extend(
                    about_objects.filter_map(|fault| self.objection(fault, "ConfigInvalid")),
                );
                self.faulty(uid.unwrap_or_default(), faults)
            }
        }
    }

    fn faulty(&self, uid: String, faults: Faults) -> Seen {
        let in_force = self.accepted.config().cloned();
        Seen::Faulty(FaultyConfig {
            uid,
            faults,
            in_force,
        })
    }

    /// Whether nothing at the doors means no pools. Who deletes the last object
    /// wants what it said gone. A ConfigMap says more at once, and one that is
    /// missing is more likely an accident, as are resources that the API server
    /// does not serve.
    fn is_emptied(&self) -> bool {
        match self.accepted.has_text() {
            Some(has_text) => !has_text && self.pools_served,
            None => self.used,
        }
    }

    fn made_from(&self) -> String {
        let map = self.config_map.as_ref();
        let map = map.map(|_| format!("ConfigMap/{CONFIG_MAP}@{}", self.map_version));
        let objects = self.objects.values().map(|entry| {
            let Object { kind, name, .. } = &entry.object;
            format!("{kind}/{name}@{}", entry.generation)
        });
        accepted::made_from(map.into_iter().chain(objects))
    }

    /// Tells that the configuration in force is missing at both doors.
    fn missing(&self) -> Option<Input> {
        let uid = self.accepted.uid().filter(|_| self.leading)?;
        self.accepted.config()?;
        let note = format!(
            "there is neither ConfigMap {CONFIG_MAP} nor an object; this stays in force. To give all addresses back, write `pools: []` in ConfigMap {CONFIG_MAP}"
        );
        Some(Input::Objection(Objection {
            kind: "ConfigMap",
            namespace: self.namespace.clone(),
            name: ACCEPTED_CONFIG_MAP.to_owned(),
            uid: uid.to_owned(),
            reason: "ConfigMissing",
            note,
        }))
    }

    /// The object a fault is about; its path begins with kind and name.
    fn owner(&self, fault: &Fault) -> Option<&Entry> {
        let place = fault.path.split(' ').next().unwrap_or_default();
        let (kind, name) = place.split_once('/')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        self.objects.get(&(kind, name.to_owned()))
    }

    /// Tells whoever looks after a pool what it overlaps.
    fn clash(&self, clash: &Clash) -> Option<Input> {
        tracing::warn!(pool = clash.pool, "{}", clash.text);
        let object = self.objects.get(&(Kind::IpAddressPool, clash.pool.clone()));
        self.tell(object, "ConfigWarning", clash.text.clone())
    }

    fn objection(&self, fault: &Fault, reason: &'static str) -> Option<Input> {
        self.tell(self.owner(fault), reason, fault.to_string())
    }

    /// To an object, or else to the ConfigMap.
    fn tell(&self, object: Option<&Entry>, reason: &'static str, note: String) -> Option<Input> {
        let (kind, name, uid) = match (object, &self.config_map) {
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
                note,
            })
        })
    }
}

/// The text of the ConfigMap, under our key or the one MetalLB had.
fn text(mut data: BTreeMap<String, String>) -> Result<String, String> {
    match (data.remove(CONFIG_KEY), data.remove(LEGACY_CONFIG_KEY)) {
        (Some(_), Some(_)) => Err(format!(
            "the ConfigMap has both keys {CONFIG_KEY} and {LEGACY_CONFIG_KEY}; one of them must go"
        )),
        (Some(text), None) | (None, Some(text)) => Ok(text),
        (None, None) => Err(format!("the ConfigMap has no key {CONFIG_KEY}")),
    }
}

/// Tells one content from another, in this and in later watches.
fn fingerprint(content: &(Option<Map>, Sources)) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{content:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
