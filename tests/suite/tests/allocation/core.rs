//! The stage without an API server: the pure core, with objects and writes kept
//! in memory.

use std::collections::BTreeMap;

use ferrolb_controller::decide::{ConditionChange, Namespaces};
use ferrolb_controller::k8s::view;
use ferrolb_controller::reconcile::{Action, ConfigState, Reconciler, StatusWrite, Written};
use ferrolb_controller::service::{ConditionStatus, ObservedCondition};
use ferrolb_core::change::Change;
use ferrolb_core::config::Config;
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use crate::table::{Expected, Look, Stage, merge};

type Place = (String, String);

/// The objects as an API server stores them, and the leader.
pub(crate) struct Core {
    clock: u64,
    services: BTreeMap<Place, Value>,
    namespaces: Namespaces,
    config: Option<Config>,
    reconciler: Reconciler,
}

impl Core {
    pub(crate) fn new() -> Self {
        let mut core = Self {
            clock: 0,
            services: BTreeMap::new(),
            namespaces: Namespaces::new(),
            config: None,
            reconciler: Reconciler::new(None),
        };
        core.lead();
        core
    }

    fn lead(&mut self) {
        self.reconciler = Reconciler::new(None);
        self.reconciler.set_leading(true);
        let namespaces = self.namespaces.clone().into_iter().collect();
        self.reconciler
            .namespaces_changed(Change::Reset(namespaces));
        if let Some(config) = self.config.clone() {
            self.reconciler.config_changed(ConfigState::Valid(config));
        }
        let views = self.services.values().map(|object| self.view(object));
        let views = views.collect();
        self.reconciler.services_changed(Change::Reset(views));
        self.act();
    }

    fn view(&self, object: &Value) -> ferrolb_controller::service::ServiceView {
        // What is stored was parsed before.
        view::service(&parse(object).unwrap_or_default())
    }

    fn store(&mut self, place: Place, mut object: Value) {
        self.clock += 1;
        object["metadata"]["resourceVersion"] = json!(self.clock.to_string());
        self.services.insert(place, object);
    }

    fn show(&mut self, place: &Place) {
        let view = self.view(&self.services[place]);
        self.reconciler.services_changed(Change::Apply(view));
        self.act();
    }

    /// Until nothing is left to be done.
    fn act(&mut self) {
        loop {
            self.reconciler.settle();
            while self.reconciler.reconcile_deferred() {}
            let actions = self.reconciler.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                if let Action::Write(write) = action {
                    self.write(&write);
                }
            }
        }
    }

    fn write(&mut self, write: &StatusWrite) {
        let place = (write.key.namespace.clone(), write.key.name.clone());
        let mut object = self.services[&place].clone();
        let entry = |ip: &std::net::IpAddr| json!({"ip": ip, "ipMode": "VIP"});
        let ingress: Vec<Value> = write.addresses.iter().map(entry).collect();
        object["status"]["loadBalancer"] = json!({"ingress": ingress});
        match &write.allocated {
            ConditionChange::Keep => {}
            ConditionChange::Remove => object["status"]["conditions"] = json!([]),
            ConditionChange::Set(condition) => {
                object["status"]["conditions"] = json!([{
                    "type": "ferrolb.io/Allocated",
                    "status": condition.status.as_str(),
                    "reason": condition.reason, "message": condition.message,
                    "lastTransitionTime": "2001-01-01T00:00:00Z",
                }]);
            }
        }
        self.store(place.clone(), object);
        let view = self.view(&self.services[&place]);
        self.reconciler
            .written(write, Written::Done(Box::new(view)));
    }
}

fn parse(object: &Value) -> Result<Service, String> {
    serde_json::from_value(object.clone()).map_err(|error| error.to_string())
}

impl Stage for Core {
    type Error = String;

    async fn configure(&mut self, text: String) -> Result<(), String> {
        let config = Config::from_yaml(&text).map_err(|faults| faults.to_string())?;
        self.config = Some(config.clone());
        self.reconciler.config_changed(ConfigState::Valid(config));
        self.act();
        Ok(())
    }

    async fn label(&mut self, namespace: &str, labels: &Value) -> Result<(), String> {
        let labels: BTreeMap<String, String> =
            serde_json::from_value(labels.clone()).map_err(|error| error.to_string())?;
        self.namespaces.insert(namespace.to_owned(), labels.clone());
        let change = Change::Apply((namespace.to_owned(), labels));
        self.reconciler.namespaces_changed(change);
        self.act();
        Ok(())
    }

    async fn create(&mut self, mut service: Value) -> Result<(), String> {
        let text = |field: &str| {
            service["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let place = (text("namespace"), text("name"));
        self.clock += 1;
        service["metadata"]["uid"] = json!(self.clock.to_string());
        let created = format!(
            "2001-01-01T00:{:02}:{:02}Z",
            self.clock / 60,
            self.clock % 60
        );
        service["metadata"]["creationTimestamp"] = json!(created);
        if service["spec"]["ipFamilies"].is_null() {
            let dual = service["spec"]["ipFamilyPolicy"].as_str();
            let dual = dual.is_some_and(|policy| policy != "SingleStack");
            let families = if dual {
                vec!["IPv4", "IPv6"]
            } else {
                vec!["IPv4"]
            };
            service["spec"]["ipFamilies"] = json!(families);
        }
        parse(&service)?;
        self.store(place.clone(), service);
        self.show(&place);
        Ok(())
    }

    async fn change(&mut self, place: (&str, &str), patch: Value) -> Result<(), String> {
        let place = (place.0.to_owned(), place.1.to_owned());
        let mut object = self.services[&place].clone();
        merge(&mut object, patch);
        parse(&object)?;
        self.store(place.clone(), object);
        self.show(&place);
        Ok(())
    }

    async fn delete(&mut self, place: (&str, &str)) -> Result<(), String> {
        let place = (place.0.to_owned(), place.1.to_owned());
        let object = self
            .services
            .remove(&place)
            .ok_or("there is no such Service")?;
        let key = self.view(&object).key;
        self.reconciler.services_changed(Change::Delete(key));
        self.act();
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), String> {
        self.lead();
        Ok(())
    }

    async fn expect(&mut self, place: (&str, &str), what: &Expected) -> Result<(), String> {
        let key = (place.0.to_owned(), place.1.to_owned());
        let view = self.view(&self.services[&key]);
        let parts = |c: ObservedCondition| (c.status == ConditionStatus::True, c.reason, c.message);
        let condition = view.allocated.map(parts);
        let look = Look {
            addresses: view.status.iter().map(ToString::to_string).collect(),
            condition,
        };
        what.check(&look)
            .map_err(|problem| format!("{}: {problem}", place.1))
    }
}
