//! Sees what no station sees: which stations answer for each IP on each partition of the
//! LAN. Records how long two stations did, or none, after the last disturbance.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The worst case of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Worst {
    /// How long after the last disturbance it lasted.
    pub(crate) after: Duration,
    /// How long it lasted, with or without a disturbance.
    pub(crate) length: Duration,
    /// Which stations and IP.
    pub(crate) what: String,
    pub(crate) at: Option<Instant>,
}

impl Worst {
    fn note(&mut self, after: Duration, length: Duration, at: Instant, what: impl Fn() -> String) {
        self.length = self.length.max(length);
        if after > self.after {
            self.after = after;
            self.at = Some(at);
            self.what = what();
        }
    }
}

/// One IP on one partition of the LAN.
type Place = (usize, IpAddr);

/// The stations that answer for an IP at a place, and whether one could.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) place: Place,
    pub(crate) owners: Vec<usize>,
    /// A station there may and can answer.
    pub(crate) possible: bool,
}

#[derive(Debug)]
pub(crate) struct Oracle {
    disturbed: Instant,
    /// The last planned move of each IP.
    planned: BTreeMap<IpAddr, Instant>,
    two_since: BTreeMap<Place, Instant>,
    none_since: BTreeMap<Place, Instant>,
    /// Two owners at once.
    pub(crate) two: Worst,
    /// No owner although there could be one.
    pub(crate) none: Worst,
}

impl Oracle {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            disturbed: now,
            planned: BTreeMap::new(),
            two_since: BTreeMap::new(),
            none_since: BTreeMap::new(),
            two: Worst::default(),
            none: Worst::default(),
        }
    }

    /// Forgets the worst cases.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            planned: std::mem::take(&mut self.planned),
            ..Self::new(self.disturbed)
        };
    }

    /// A fault began or ended.
    pub(crate) fn disturb(&mut self, now: Instant) {
        self.disturbed = now;
    }

    /// An IP is moved from an owner that answers until it sees the new one.
    pub(crate) fn plan(&mut self, ip: IpAddr, now: Instant) {
        self.planned.insert(ip, now);
    }

    /// One station answers at a place.
    pub(crate) fn sees_one(&mut self, place: Place) {
        if !self.two_since.is_empty() || !self.none_since.is_empty() {
            self.two_since.remove(&place);
            self.none_since.remove(&place);
        }
    }

    pub(crate) fn look(&mut self, scene: &Scene, now: Instant) {
        self.look_for_two(scene, now);
        self.look_for_none(scene, now);
    }

    fn look_for_two(&mut self, scene: &Scene, now: Instant) {
        if scene.owners.len() < 2 {
            self.two_since.remove(&scene.place);
            return;
        }
        let since = *self.two_since.entry(scene.place).or_insert(now);
        let planned = self.planned.get(&scene.place.1).copied();
        let quiet_since = self.disturbed.max(planned.unwrap_or(self.disturbed));
        let what = || format!("{:?} answer for {:?}", scene.owners, scene.place);
        self.two.note(now - quiet_since, now - since, now, what);
    }

    fn look_for_none(&mut self, scene: &Scene, now: Instant) {
        if !scene.owners.is_empty() || !scene.possible {
            self.none_since.remove(&scene.place);
            return;
        }
        let since = *self.none_since.entry(scene.place).or_insert(now);
        let what = || format!("no station answers for {:?}", scene.place);
        let after = now - since.max(self.disturbed);
        self.none.note(after, now - since, now, what);
    }
}
