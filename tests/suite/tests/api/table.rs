//! The stage on a real API server: the table's cases with a controller that is
//! restarted where a case says so.

use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::Outcome;
use crate::cases::{Case, Expected, Look, Stage, play};
use crate::cluster::{Cluster, ips};
use crate::controller::Controller;
use crate::wait;

/// Plays one case and leaves nothing behind.
pub(crate) async fn run(cluster: &mut Cluster, case: &Case) -> Outcome {
    let mut stage = Server {
        controller: None,
        namespaces: vec!["default".to_owned()],
        cluster,
    };
    stage.controller = Some(stage.cluster.controller().await?);
    let played = play(&mut stage, case).await;
    stage.clean().await.map_err(|Problem(text)| text)?;
    played.map_err(Failed::from)
}

struct Server<'a> {
    cluster: &'a Cluster,
    controller: Option<Controller>,
    namespaces: Vec<String>,
}

/// What went wrong, as text.
pub(crate) struct Problem(String);

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<kube::Error> for Problem {
    fn from(error: kube::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        Self(failed.message().unwrap_or("failed").to_owned())
    }
}

impl Server<'_> {
    fn services(&self, namespace: &str) -> Api<Service> {
        Api::namespaced(self.cluster.admin.clone(), namespace)
    }

    async fn clean(&mut self) -> Result<(), Problem> {
        self.controller = None;
        for namespace in self.namespaces.clone() {
            let services = self.services(&namespace);
            for service in services.list(&ListParams::default()).await? {
                let name = service.metadata.name.unwrap_or_default();
                if name != "kubernetes" {
                    services.delete(&name, &DeleteParams::default()).await?;
                }
            }
        }
        Ok(())
    }
}

impl Stage for Server<'_> {
    type Error = Problem;

    async fn configure(&mut self, text: String) -> Result<(), Problem> {
        Ok(self.cluster.configure(&text).await?)
    }

    async fn label(&mut self, namespace: &str, labels: &Value) -> Result<(), Problem> {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": namespace, "labels": labels},
        });
        let namespaces: Api<Namespace> = Api::all(self.cluster.admin.clone());
        let params = PatchParams::apply("table").force();
        namespaces
            .patch(namespace, &params, &Patch::Apply(object))
            .await?;
        if !self.namespaces.iter().any(|known| known == namespace) {
            self.namespaces.push(namespace.to_owned());
        }
        Ok(())
    }

    async fn create(&mut self, service: Value) -> Result<(), Problem> {
        let namespace = service["metadata"]["namespace"].as_str();
        let services = self.services(namespace.unwrap_or("default"));
        let service: Service =
            serde_json::from_value(service).map_err(|error| Problem(error.to_string()))?;
        let name = service.metadata.name.clone().unwrap_or_default();
        services.create(&PostParams::default(), &service).await?;
        // The order of the case counts, and the server knows whole seconds only.
        wait::until(&format!("a decision about {name}"), async || {
            let service = services.get(&name).await.map_err(Problem::from)?;
            let spec = service.spec.as_ref();
            let other = spec.is_some_and(|spec| spec.load_balancer_class.is_some());
            match look(&service).condition {
                None if !other => Err(Problem("it has no condition".to_owned())),
                _ => Ok(()),
            }
        })
        .await?;
        Ok(())
    }

    async fn change(&mut self, place: (&str, &str), patch: Value) -> Result<(), Problem> {
        let services = self.services(place.0);
        let params = PatchParams::default();
        services
            .patch(place.1, &params, &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    async fn delete(&mut self, place: (&str, &str)) -> Result<(), Problem> {
        let services = self.services(place.0);
        services.delete(place.1, &DeleteParams::default()).await?;
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), Problem> {
        if let Some(controller) = self.controller.take() {
            controller.stop().await?;
        }
        self.controller = Some(self.cluster.controller().await?);
        Ok(())
    }

    async fn expect(&mut self, place: (&str, &str), what: &Expected) -> Result<(), Problem> {
        let services = self.services(place.0);
        wait::until(&format!("{place:?}"), async || {
            let service = services.get(place.1).await.map_err(Problem::from)?;
            what.check(&look(&service)).map_err(Problem)
        })
        .await?;
        Ok(())
    }
}

fn look(service: &Service) -> Look {
    let status = service.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let ours = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == ferrolb_core::names::ALLOCATED);
    let fields = |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        (c.status == "True", c.reason.clone(), c.message.clone())
    };
    Look {
        addresses: ips(service),
        condition: ours.map(fields),
    }
}
