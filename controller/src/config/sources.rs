//! The configuration's sources as last seen, read as one. Pure.

use std::collections::BTreeMap;

use ferrolb_core::config::{Fault, Faults, Kind, Object, Sources, load};
use ferrolb_core::names::{ACCEPTED_CONFIG_MAP, CONFIG_KEY, CONFIG_MAP, LEGACY_CONFIG_KEY};

use super::accepted::{self, Accepted, AcceptedWrite};
use super::cluster_ranges::{ClusterRanges, Overlap};
use super::objects::Objects;
use super::{ConfigLog, ConfigMapView, ConfigNotice, ConfigObject, ConfigOutput, SourceEvent};
use crate::reconcile::{ConfigState, InvalidConfig};

/// What is known of all sources.
#[derive(Debug)]
pub struct ConfigSources {
    namespace: String,
    leading: bool,
    /// The ConfigMap; `None` before its list is in.
    config_map: Option<Option<Map>>,
    objects: Objects,
    accepted: Accepted,
    cluster: ClusterRanges,
    /// Whether the sources differ from what was read last.
    changed: bool,
    /// Whether they were read at all.
    read: bool,
}

#[derive(Debug)]
struct Map {
    uid: String,
    version: String,
    /// The text, or why there is none.
    text: Result<String, String>,
}

impl ConfigSources {
    /// Nothing has been seen yet. `namespace` is ours. Only one that leads
    /// stores what it accepts, and reports on objects.
    #[must_use]
    pub fn new(namespace: String, leading: bool) -> Self {
        Self {
            objects: Objects::new(namespace.clone()),
            namespace,
            leading,
            config_map: None,
            accepted: Accepted::default(),
            cluster: ClusterRanges::default(),
            changed: true,
            read: false,
        }
    }

    /// Takes in a change; returns what follows from it.
    pub fn apply(&mut self, event: SourceEvent) -> Vec<ConfigOutput> {
        let mut outputs = Vec::new();
        match event {
            SourceEvent::ConfigMap(map) => self.put_config_map(map),
            SourceEvent::Accepted(map) => self.accepted.stored(map),
            SourceEvent::Nodes(change) => self.cluster.apply_nodes(change),
            SourceEvent::ServiceCidrs(change) => self.cluster.apply_service_cidrs(change),
            SourceEvent::Served(kinds) => self.objects.served(kinds),
            SourceEvent::Objects(kind, change) => {
                let effect = self.objects.apply(kind, change);
                self.changed |= effect.changed;
                let ignored = effect.ignored.into_iter();
                outputs.extend(ignored.filter_map(|object| self.ignored_namespace(object)));
            }
        }
        let listed = self.config_map.is_some() && self.objects.are_listed();
        if listed && self.changed && (self.accepted.is_listed() || !self.leading) {
            self.read(&mut outputs);
        }
        for overlap in self.cluster.new_overlaps(self.accepted.config()) {
            self.report_overlap(overlap, &mut outputs);
        }
        outputs
    }

    /// How the ConfigMap that stores the accepted configuration is to be written.
    #[must_use]
    pub fn accepted_write(&self) -> Option<AcceptedWrite> {
        self.accepted.write()
    }

    /// `metadata.uid` of the ConfigMap, by which Events find it.
    #[must_use]
    pub fn config_map_uid(&self) -> Option<String> {
        self.config_map().map(|map| map.uid.clone())
    }

    fn put_config_map(&mut self, map: Option<ConfigMapView>) {
        let now = map.map(|map| Map {
            uid: map.uid,
            version: map.version.unwrap_or_default(),
            text: text(map.data),
        });
        let content = |map: &Map| (map.uid.clone(), map.text.clone());
        let before = self.config_map().map(content);
        self.changed |= before != now.as_ref().map(content);
        self.config_map = Some(now);
    }

    fn config_map(&self) -> Option<&Map> {
        self.config_map.as_ref()?.as_ref()
    }

    /// Reads all sources as one.
    fn read(&mut self, outputs: &mut Vec<ConfigOutput>) {
        self.changed = false;
        if !std::mem::replace(&mut self.read, true)
            && let Err(faults) = self.accepted.adopt()
        {
            outputs.push(ConfigOutput::Log(ConfigLog::Unreadable(faults)));
        }
        let state = self.state(outputs);
        outputs.push(ConfigOutput::State(state));
        self.cluster.reconsider();
    }

    fn state(&mut self, outputs: &mut Vec<ConfigOutput>) -> ConfigState {
        let text = match self.config_map().map(|map| (&map.uid, &map.text)) {
            None if self.objects.are_empty() && !self.is_emptied() => {
                outputs.extend(self.missing());
                return ConfigState::Absent(self.accepted.config().cloned());
            }
            None => None,
            Some((uid, Err(why))) => return self.faulty(uid.clone(), Faults::whole(why)),
            Some((_, Ok(text))) => Some(text.clone()),
        };
        let objects = self.objects.to_read();
        match load(&Sources { text, objects }) {
            Ok(loaded) => {
                for warning in loaded.warnings {
                    outputs.extend(self.notice(&warning, "ConfigWarning"));
                    outputs.push(ConfigOutput::Log(ConfigLog::Warning(warning)));
                }
                if let Err(error) = self.accepted.accept(&loaded.config, self.made_from()) {
                    let error = error.to_string();
                    outputs.push(ConfigOutput::Log(ConfigLog::Unwritable(error)));
                }
                ConfigState::Valid(loaded.config)
            }
            Err(faults) => {
                // The engine reports all faults together at the ConfigMap.
                let about_objects = faults
                    .iter()
                    .filter(|fault| self.objects.owner(fault).is_some());
                outputs
                    .extend(about_objects.filter_map(|fault| self.notice(fault, "ConfigInvalid")));
                self.faulty(self.config_map_uid().unwrap_or_default(), faults)
            }
        }
    }

    fn faulty(&self, uid: String, faults: Faults) -> ConfigState {
        let in_force = self.accepted.config().cloned();
        ConfigState::Invalid(InvalidConfig {
            uid,
            faults,
            in_force,
        })
    }

    /// Whether empty sources mean that there are no pools. Who deletes the last
    /// object wants its pool gone. A ConfigMap holds more at once, and one that
    /// is missing is more likely an accident, as are resources that the API
    /// server does not serve.
    fn is_emptied(&self) -> bool {
        match self.accepted.has_text() {
            Some(has_text) => !has_text && self.objects.pools_served,
            None => self.objects.used,
        }
    }

    fn made_from(&self) -> String {
        let map = self.config_map();
        let map = map.map(|map| format!("ConfigMap/{CONFIG_MAP}@{}", map.version));
        let objects = self.objects.iter().map(|entry| {
            let Object { kind, name, .. } = &entry.object;
            format!("{kind}/{name}@{}", entry.generation)
        });
        accepted::made_from(map.into_iter().chain(objects))
    }

    /// Reports that the configuration in force is missing at all sources.
    fn missing(&self) -> Option<ConfigOutput> {
        let uid = self.accepted.uid().filter(|_| self.leading)?;
        self.accepted.config()?;
        let note = format!(
            "Configuration missing: neither ConfigMap {CONFIG_MAP} nor any IPAddressPool exists. This configuration stays in force. To release all addresses, write `pools: []` in ConfigMap {CONFIG_MAP}"
        );
        Some(ConfigOutput::Notice(ConfigNotice {
            kind: "ConfigMap",
            namespace: self.namespace.clone(),
            name: ACCEPTED_CONFIG_MAP.to_owned(),
            uid: uid.to_owned(),
            reason: "ConfigMissing",
            note,
        }))
    }

    fn ignored_namespace(&self, object: ConfigObject) -> Option<ConfigOutput> {
        let note = format!(
            "Ignored: only objects in namespace {} are read",
            self.namespace
        );
        self.leading.then(|| {
            ConfigOutput::Notice(ConfigNotice {
                kind: object.object.kind.name(),
                namespace: object.namespace,
                name: object.object.name,
                uid: object.uid,
                reason: "IgnoredNamespace",
                note,
            })
        })
    }

    fn report_overlap(&self, overlap: Overlap, outputs: &mut Vec<ConfigOutput>) {
        let Overlap { pool, text } = overlap;
        let object = self.objects.get(Kind::IpAddressPool, &pool);
        let note = format!("Pool {pool:?}: {text}; such addresses must not be assigned");
        outputs.extend(self.notice_to(object, "ConfigWarning", note));
        let overlap = text;
        outputs.push(ConfigOutput::Log(ConfigLog::Overlap { pool, overlap }));
    }

    fn notice(&self, fault: &Fault, reason: &'static str) -> Option<ConfigOutput> {
        let verdict = match reason {
            "ConfigInvalid" => "Configuration rejected",
            _ => "Configuration warning",
        };
        let note = format!("{verdict}: {fault}");
        self.notice_to(self.objects.owner(fault), reason, note)
    }

    /// At an object, or else at the ConfigMap.
    fn notice_to(
        &self,
        object: Option<&ConfigObject>,
        reason: &'static str,
        note: String,
    ) -> Option<ConfigOutput> {
        let (kind, name, uid) = match (object, self.config_map()) {
            (Some(entry), _) => (entry.object.kind.name(), &*entry.object.name, &entry.uid),
            (None, Some(map)) => ("ConfigMap", CONFIG_MAP, &map.uid),
            (None, None) => return None,
        };
        self.leading.then(|| {
            ConfigOutput::Notice(ConfigNotice {
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
            "the ConfigMap has both keys {CONFIG_KEY} and {LEGACY_CONFIG_KEY}; remove one of them"
        )),
        (Some(text), None) | (None, Some(text)) => Ok(text),
        (None, None) => Err(format!("the ConfigMap has no key {CONFIG_KEY}")),
    }
}
