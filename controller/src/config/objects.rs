//! MetalLB's resources as last seen. Only those in our namespace count; the
//! others are reported once each. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ferrolb_core::change::Change;
use ferrolb_core::config::{Fault, Kind, Object};
use ferrolb_core::key::ObjectKey;

use super::ConfigObject;

/// The objects, and which kinds are listed.
#[derive(Debug)]
pub(super) struct Objects {
    namespace: String,
    discovered: bool,
    unlisted: BTreeSet<Kind>,
    /// Whether the API server serves `IPAddressPool`.
    pub(super) pools_served: bool,
    known: BTreeMap<(Kind, String), ConfigObject>,
    /// Objects of other namespaces that were reported, by uid.
    ignored: BTreeMap<(Kind, ObjectKey), String>,
    /// Whether there has been an object since this process started watching.
    pub(super) used: bool,
}

/// What a change amounts to.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// The configuration may be another now.
    pub(super) changed: bool,
    /// Objects in other namespaces that were not reported before.
    pub(super) ignored: Vec<ConfigObject>,
}

impl Objects {
    /// None seen yet.
    pub(super) fn new(namespace: String) -> Self {
        Self {
            namespace,
            discovered: false,
            unlisted: BTreeSet::new(),
            pools_served: false,
            known: BTreeMap::new(),
            ignored: BTreeMap::new(),
            used: false,
        }
    }

    /// The API server serves these kinds; their lists follow.
    pub(super) fn served(&mut self, kinds: Vec<Kind>) {
        self.discovered = true;
        self.pools_served |= kinds.contains(&Kind::IpAddressPool);
        self.unlisted.extend(kinds);
    }

    /// Whether the list of each kind that is served is in.
    pub(super) fn are_listed(&self) -> bool {
        self.discovered && self.unlisted.is_empty()
    }

    /// Takes in a change.
    pub(super) fn apply(&mut self, kind: Kind, change: Change<ConfigObject>) -> Effect {
        let mut effect = Effect::default();
        match change {
            Change::Apply(object) => self.put(object, &mut effect),
            Change::Delete(key) if key.namespace == self.namespace => {
                effect.changed = self.known.remove(&(kind, key.name)).is_some();
            }
            Change::Delete(key) => {
                self.ignored.remove(&(kind, key));
            }
            Change::Reset(objects) => {
                self.unlisted.remove(&kind);
                effect.changed = self.keep_only(kind, &objects);
                for object in objects {
                    self.put(object, &mut effect);
                }
            }
        }
        self.used |= !self.known.is_empty();
        effect
    }

    /// Forgets those of a kind that are not listed; whether there was one.
    fn keep_only(&mut self, kind: Kind, listed: &[ConfigObject]) -> bool {
        let ours = listed.iter().filter(|one| one.namespace == self.namespace);
        let names: BTreeSet<&str> = ours.map(|one| &*one.object.name).collect();
        let before = self.known.len();
        self.known
            .retain(|(other, name), _| *other != kind || names.contains(&**name));
        self.known.len() < before
    }

    fn put(&mut self, object: ConfigObject, effect: &mut Effect) {
        let (kind, name) = (object.object.kind, object.object.name.clone());
        if object.namespace == self.namespace {
            let now = object.object.clone();
            let before = self.known.insert((kind, name), object);
            effect.changed |= before.is_none_or(|before| before.object != now);
            return;
        }
        let namespace = object.namespace.clone();
        let place = (kind, ObjectKey { namespace, name });
        let before = self.ignored.insert(place, object.uid.clone());
        if before.as_ref() != Some(&object.uid) {
            effect.ignored.push(object);
        }
    }

    /// Whether there is none.
    pub(super) fn are_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// All of them, in the order of kinds and names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ConfigObject> {
        self.known.values()
    }

    /// One by kind and name.
    pub(super) fn get(&self, kind: Kind, name: &str) -> Option<&ConfigObject> {
        self.known.get(&(kind, name.to_owned()))
    }

    /// The object a fault is about; its path begins with kind and name.
    pub(super) fn owner(&self, fault: &Fault) -> Option<&ConfigObject> {
        let place = fault.path.split(' ').next().unwrap_or_default();
        let (kind, name) = place.split_once('/')?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        self.get(kind, name)
    }

    /// What a configuration is read from.
    pub(super) fn to_read(&self) -> Vec<Object> {
        self.iter().map(|one| one.object.clone()).collect()
    }
}
