//! A model of the API server: Services with versions, a watch that lags, and
//! writes that are refused if the version is not the present one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use ferrolb_core::change::Change;
use ferrolb_core::config::Config;
use ferrolb_core::key::ObjectKey;

use crate::decide::ConditionChange;
use crate::reconcile::{
    Action, Announcement, BackgroundWrite, ConfigState, Notice, PoolNotice, Reconciler,
    ServiceNotice, StatusWrite, Written,
};
use crate::service::{Condition, ObservedCondition, ServiceView};
use crate::tests::{config, key, service};

fn shown(condition: &Condition) -> ObservedCondition {
    ObservedCondition {
        status: condition.status,
        reason: condition.reason.to_owned(),
        message: condition.message.clone(),
        since: String::new(),
    }
}

fn apply_change(condition: &mut Option<ObservedCondition>, change: &ConditionChange) {
    match change {
        ConditionChange::Keep => {}
        ConditionChange::Remove => *condition = None,
        ConditionChange::Set(new) => *condition = Some(shown(new)),
    }
}

/// The report of a speaker about a Service: the addresses it announces on `eth0`, with
/// epochs. The object is named after node and Service.
pub(super) fn report(node: &str, service: &str, ips: &[(&str, u64)]) -> Announcement {
    let announces = ips.iter().map(|(ip, epoch)| (ip.parse().unwrap(), *epoch));
    Announcement {
        name: format!("{node}-{service}"),
        uid: format!("{node}-{service}"),
        version: "1".to_owned(),
        service: key(service),
        node: Some(node.to_owned()),
        interfaces: vec!["eth0".to_owned()],
        announces: announces.collect(),
        conflicts: BTreeMap::new(),
        unannounced: BTreeMap::new(),
    }
}

/// What the watch has yet to show.
enum WatchEvent {
    Changed(Box<ServiceView>),
    Deleted(ObjectKey),
}

/// The server, and the one controller that talks to it.
pub(super) struct World {
    clock: u64,
    pub(super) services: BTreeMap<ObjectKey, ServiceView>,
    pub(super) config: Config,
    watch_events: VecDeque<WatchEvent>,
    pub(super) writes: VecDeque<StatusWrite>,
    retries: Vec<ObjectKey>,
    pub(super) notified: Vec<ServiceNotice>,
    pub(super) background: Vec<BackgroundWrite>,
    pub(super) pool_notices: Vec<PoolNotice>,
    /// Status writes so far.
    pub(super) written: usize,
    pub(super) reported: BTreeMap<String, Announcement>,
    /// Whether the CRD of the reports is installed.
    speakers: bool,
    /// The Nodes that are Ready; none while their list is yet to come.
    pub(super) ready: Option<BTreeSet<String>>,
    now: Duration,
    pub(super) controller: Reconciler,
}

impl World {
    /// A server with a configuration and a controller that leads.
    pub(super) fn new(pools: &str) -> Self {
        let mut world = Self {
            clock: 0,
            services: BTreeMap::new(),
            config: config(pools),
            watch_events: VecDeque::new(),
            writes: VecDeque::new(),
            retries: Vec::new(),
            notified: Vec::new(),
            background: Vec::new(),
            pool_notices: Vec::new(),
            written: 0,
            reported: BTreeMap::new(),
            speakers: false,
            ready: None,
            now: Duration::ZERO,
            controller: Reconciler::new(None),
        };
        world.restart();
        world
    }

    /// The controller dies and another one begins to lead.
    pub(super) fn restart(&mut self) {
        self.watch_events.clear();
        self.writes.clear();
        self.retries.clear();
        self.controller = Reconciler::new(None);
        self.controller.tick(self.now);
        self.controller.set_leading(true);
        self.controller
            .config_changed(ConfigState::Valid(self.config.clone()));
        self.controller
            .namespaces_changed(Change::Reset(Vec::new()));
        let services = self.services.values().cloned().collect();
        self.controller.services_changed(Change::Reset(services));
        self.list_announcements();
        self.act();
        self.list_nodes();
    }

    /// The Nodes are listed, those that are Ready.
    pub(super) fn install_nodes(&mut self, ready: &[&str]) {
        self.ready = Some(ready.iter().map(|name| (*name).to_owned()).collect());
        self.list_nodes();
    }

    fn list_nodes(&mut self) {
        if let Some(ready) = &self.ready {
            let ready = ready.iter().map(|name| (name.clone(), true)).collect();
            self.controller.nodes_changed(Change::Reset(ready));
            self.act();
        }
    }

    /// The watch shows a Node that is Ready, or is not.
    pub(super) fn set_ready(&mut self, name: &str, is_ready: bool) {
        if let Some(ready) = &mut self.ready {
            match is_ready {
                true => ready.insert(name.to_owned()),
                false => ready.remove(name),
            };
            let change = Change::Apply((name.to_owned(), is_ready));
            self.controller.nodes_changed(change);
            self.act();
        }
    }

    /// The CRD of the reports is installed.
    pub(super) fn install_speakers(&mut self) {
        self.speakers = true;
        self.list_announcements();
        self.act();
    }

    fn list_announcements(&mut self) {
        if self.speakers {
            let all = self.reported.values().cloned().collect();
            self.controller.announcements_changed(Change::Reset(all));
        }
    }

    pub(super) fn create(&mut self, name: &str) {
        self.create_as(name, |_| {});
    }

    pub(super) fn create_as(&mut self, name: &str, shape: impl FnOnce(&mut ServiceView)) {
        let mut view = ServiceView {
            uid: format!("{name}-{}", self.clock),
            created: i64::try_from(self.clock).unwrap(),
            ..service(name)
        };
        shape(&mut view);
        if !self.services.contains_key(&view.key) {
            self.store(view);
        }
    }

    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut ServiceView)) {
        if let Some(mut view) = self.services.get(&key(name)).cloned() {
            change(&mut view);
            self.store(view);
        }
    }

    pub(super) fn delete(&mut self, name: &str) {
        if self.services.remove(&key(name)).is_some() {
            self.watch_events.push_back(WatchEvent::Deleted(key(name)));
        }
    }

    pub(super) fn configure(&mut self, pools: &str) {
        self.config = config(pools);
        self.controller
            .config_changed(ConfigState::Valid(self.config.clone()));
        self.act();
    }

    /// The watch shows one change.
    pub(super) fn show(&mut self) {
        match self.watch_events.pop_front() {
            Some(WatchEvent::Changed(view)) => {
                self.controller.services_changed(Change::Apply(*view))
            }
            Some(WatchEvent::Deleted(key)) => self.controller.services_changed(Change::Delete(key)),
            None => {}
        }
        self.act();
    }

    /// One write arrives; `answered` is whether its answer comes back.
    pub(super) fn write(&mut self, answered: bool) {
        let Some(write) = self.writes.pop_front() else {
            return;
        };
        let outcome = self.serve(&write);
        let outcome = if answered { outcome } else { Written::Failed };
        self.controller.written(&write, outcome);
        self.act();
    }

    /// One write arrives, and the watch shows it before its answer is back.
    pub(super) fn write_shown_before_answered(&mut self) {
        let write = self.writes.pop_front().unwrap();
        let outcome = self.serve(&write);
        self.show();
        self.controller.written(&write, outcome);
        self.act();
    }

    fn serve(&mut self, write: &StatusWrite) -> Written {
        match self.services.get(&write.key) {
            Some(view) if view.version == write.version => {
                let mut view = view.clone();
                view.status.clone_from(&write.addresses);
                apply_change(&mut view.allocated, &write.allocated);
                apply_change(&mut view.announced, &write.announced);
                view.ingress_is_canonical = true;
                self.store(view);
                Written::Done(Box::new(self.services[&write.key].clone()))
            }
            _ => Written::Outdated,
        }
    }

    /// A pause after failures is over.
    pub(super) fn retry(&mut self) {
        for key in std::mem::take(&mut self.retries) {
            self.controller.reconcile(&key);
        }
        self.act();
    }

    /// Everything in flight comes to rest.
    pub(super) fn rest(&mut self) {
        while !(self.watch_events.is_empty() && self.writes.is_empty() && self.retries.is_empty()) {
            self.show();
            self.write(true);
            self.retry();
        }
    }

    pub(super) fn status(&self, name: &str) -> Vec<String> {
        let status = &self.services[&key(name)].status;
        status.iter().map(ToString::to_string).collect()
    }

    pub(super) fn notices(&mut self) -> Vec<Notice> {
        self.notified
            .drain(..)
            .map(|notified| notified.notice)
            .collect()
    }

    /// Who shows which address; panics if two show the same.
    pub(super) fn shown(&self) -> BTreeMap<IpAddr, ObjectKey> {
        let mut shown = BTreeMap::new();
        for view in self.services.values() {
            for ip in &view.status {
                let other = shown.insert(*ip, view.key.clone());
                assert_eq!(other, None, "{} shows {ip} too", view.key);
            }
        }
        shown
    }

    fn store(&mut self, mut view: ServiceView) {
        self.clock += 1;
        view.version = self.clock.to_string();
        self.watch_events
            .push_back(WatchEvent::Changed(Box::new(view.clone())));
        self.services.insert(view.key.clone(), view);
    }

    /// This many seconds pass.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.controller.tick(self.now);
        self.act();
    }

    /// The watch shows the report of a speaker.
    pub(super) fn announce(&mut self, reported: Announcement) {
        self.controller
            .announcements_changed(Change::Apply(reported.clone()));
        self.reported.insert(reported.name.clone(), reported);
        self.act();
    }

    /// The watch shows that a report was removed.
    pub(super) fn remove_report(&mut self, name: &str) {
        self.reported.remove(name);
        self.controller
            .announcements_changed(Change::Delete(name.to_owned()));
        self.act();
    }

    /// The condition `Announced`: status, reason and message.
    pub(super) fn announced(&self, name: &str) -> Option<(&str, &str, &str)> {
        let shown = self.services[&key(name)].announced.as_ref()?;
        Some((shown.status.as_str(), &shown.reason, &shown.message))
    }

    fn act(&mut self) {
        self.controller.settle();
        self.carry_out();
        // The writer has no room for deferred writes while it has others.
        while self.writes.is_empty() && self.controller.reconcile_deferred() {
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        for action in self.controller.take_actions() {
            match action {
                Action::Write(write) => {
                    self.written += 1;
                    self.writes.push_back(write);
                }
                Action::NotifyService(notified) => self.notified.push(notified),
                Action::Retry { key, .. } => self.retries.push(key),
                Action::Background(write) => self.background.push(write),
                Action::NotifyPool(watch_events) => self.pool_notices.push(watch_events),
                Action::NotifyConfig(_) => {}
            }
        }
    }
}
