//! The API server under test and what claims do with it as an administrator.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrolb_core::names::{CONFIG_MAP, LEASE, NAMESPACE};
use ferrolb_lab::apiserver::ApiServer;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, LoadBalancerIngress, Secret, Service};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::{resources, speakers, wait};

/// Where the Services of the claims are.
const SERVICES: &str = "default";

/// The service account whose rights the controllers have.
const ACCOUNT: &str = "system:serviceaccount:ferrolb-system:ferrolb-controller";

/// The service account whose rights the speakers have.
const SPEAKERS: &str = "system:serviceaccount:ferrolb-system:ferrolb-speaker";

/// Lease of the controllers in the claims: short, so that a take-over is quick.
const LEASE_SECONDS: u16 = 3;

/// A lease that expires after any claim.
const LONG_LEASE_SECONDS: u16 = 60;

/// A real API server with FerroLB's namespace and rights.
pub(crate) struct Cluster {
    pub(crate) server: ApiServer,
    pub(crate) admin: Client,
}

impl Cluster {
    /// Starts the server and installs what the controller needs.
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        let dir = root().join("target/api-test");
        if dir.exists() {
            // Leftovers of an earlier run could hide a right that is missing now.
            std::fs::remove_dir_all(&dir)?;
        }
        let server = ApiServer::start(&dir)?;
        let admin = client(server.kubeconfig(), None).await?;
        let cluster = Self { server, admin };
        cluster.apply("-f", "deploy/namespace.yaml")?;
        cluster.apply("-k", "config/rbac")?;
        Ok(cluster)
    }

    /// Removes what the last claim left.
    pub(crate) async fn clean(&mut self) -> Result<(), Failed> {
        self.server.start_api()?;
        let (all, delete) = (ListParams::default(), DeleteParams::default());
        for service in self.services().list(&all).await? {
            if service.name_any() != "kubernetes" {
                self.services().delete(&service.name_any(), &delete).await?;
            }
        }
        self.in_system::<ConfigMap>()
            .delete_collection(&delete, &all)
            .await?;
        self.in_system::<Lease>()
            .delete_collection(&delete, &all)
            .await?;
        self.in_system::<Secret>()
            .delete_collection(&delete, &all)
            .await?;
        resources::clear(self).await?;
        speakers::clear(self).await?;
        for namespace in [SERVICES, NAMESPACE] {
            let events: Api<Event> = Api::namespaced(self.admin.clone(), namespace);
            events.delete_collection(&delete, &all).await?;
        }
        Ok(())
    }

    /// A controller with the rights of the shipped service account.
    pub(crate) async fn controller(&self) -> Result<Controller, Failed> {
        Controller::start(self.restricted().await?, LEASE_SECONDS)
    }

    /// A controller whose lease expires long after the claim.
    pub(crate) async fn controller_with_long_lease(&self) -> Result<Controller, Failed> {
        Controller::start(self.restricted().await?, LONG_LEASE_SECONDS)
    }

    /// A client with the rights of the shipped service account.
    pub(crate) async fn restricted(&self) -> Result<Client, Failed> {
        Ok(client(self.server.kubeconfig(), Some(ACCOUNT)).await?)
    }

    /// A client with the rights of the speakers' service account.
    pub(crate) async fn speaker(&self) -> Result<Client, Failed> {
        Ok(client(self.server.kubeconfig(), Some(SPEAKERS)).await?)
    }

    /// Objects in FerroLB's namespace.
    pub(crate) fn in_system<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.admin.clone(), NAMESPACE)
    }

    /// The Services of the claims.
    pub(crate) fn services(&self) -> Api<Service> {
        Api::namespaced(self.admin.clone(), SERVICES)
    }

    /// Sets the configuration's text.
    pub(crate) async fn configure(&self, text: &str) -> Result<(), Failed> {
        let patch = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP}, "data": {"config.yaml": text},
        });
        let params = PatchParams::apply("claims").force();
        let maps = self.in_system::<ConfigMap>();
        maps.patch(CONFIG_MAP, &params, &Patch::Apply(patch))
            .await?;
        Ok(())
    }

    /// Creates a Service of type LoadBalancer, with more or other fields.
    pub(crate) async fn create(&self, name: &str, more: Value) -> Result<(), Failed> {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        });
        merge(&mut service, more);
        let service = serde_json::from_value(service)?;
        self.services()
            .create(&PostParams::default(), &service)
            .await?;
        Ok(())
    }

    /// Changes fields of a Service.
    pub(crate) async fn change(&self, name: &str, patch: Value) -> Result<(), Failed> {
        let params = PatchParams::default();
        self.services()
            .patch(name, &params, &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// The entries of a Service's status.
    pub(crate) async fn ingress(&self, name: &str) -> Result<Vec<LoadBalancerIngress>, Failed> {
        let service = self.services().get(name).await?;
        Ok(ingress(&service))
    }

    /// Waits until a Service shows exactly these addresses.
    pub(crate) async fn shows(&self, name: &str, expected: &[&str]) -> Result<(), Failed> {
        wait::until(&format!("{name} to show {expected:?}"), async || {
            let ips = ips(&self
                .services()
                .get(name)
                .await
                .map_err(|error| error.to_string())?);
            if ips == expected {
                Ok(())
            } else {
                Err(format!("it shows {ips:?}"))
            }
        })
        .await
    }

    /// The addresses of all Services that have any, by Service.
    pub(crate) async fn shown(&self) -> Result<BTreeMap<String, Vec<String>>, Failed> {
        let services = self.services().list(&ListParams::default()).await?;
        let with_ips = services
            .iter()
            .map(|service| (service.name_any(), ips(service)));
        Ok(with_ips.filter(|(_, ips)| !ips.is_empty()).collect())
    }

    /// Waits until this many Services have an address; all of them.
    pub(crate) async fn all_assigned(
        &self,
        count: usize,
    ) -> Result<BTreeMap<String, Vec<String>>, Failed> {
        wait::until(&format!("{count} Services with an address"), async || {
            let shown = self.shown().await.map_err(|failed| format!("{failed:?}"))?;
            if shown.len() == count {
                Ok(shown)
            } else {
                Err(format!("{} have one", shown.len()))
            }
        })
        .await
    }

    /// Waits for an Event about an object, for one whose note has all of `parts`.
    pub(crate) async fn event(
        &self,
        object: &str,
        reason: &str,
        parts: &[&str],
    ) -> Result<Event, Failed> {
        wait::until(
            &format!("Event {reason} about {object} with {parts:?}"),
            async || {
                let events = self
                    .events(object)
                    .await
                    .map_err(|failed| format!("{failed:?}"))?;
                let fits = |event: &&Event| {
                    let note = event.note.as_deref().unwrap_or_default();
                    event.reason.as_deref() == Some(reason)
                        && parts.iter().all(|part| note.contains(part))
                };
                events
                    .iter()
                    .find(fits)
                    .cloned()
                    .ok_or_else(|| format!("there is {:?}", notes(&events)))
            },
        )
        .await
    }

    /// All Events about an object.
    pub(crate) async fn events(&self, object: &str) -> Result<Vec<Event>, Failed> {
        let events: Api<Event> = Api::all(self.admin.clone());
        let all = events.list(&ListParams::default()).await?;
        let about = |event: &Event| {
            event.regarding.as_ref().and_then(|r| r.name.as_deref()) == Some(object)
        };
        Ok(all.into_iter().filter(about).collect())
    }

    /// The holder of the lease; empty if there is none.
    pub(crate) async fn holder(&self) -> Result<String, Failed> {
        let lease = self.in_system::<Lease>().get_opt(LEASE).await?;
        let spec = lease.and_then(|lease| lease.spec);
        Ok(spec
            .and_then(|spec| spec.holder_identity)
            .unwrap_or_default())
    }

    /// Applies a file or a folder of ours.
    pub(crate) fn apply(&self, flag: &str, path: &str) -> Result<(), Box<dyn Error>> {
        let output = self
            .server
            .kubectl()
            .args(["apply", flag])
            .arg(root().join(path))
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

/// The addresses of a Service's status.
pub(crate) fn ips(service: &Service) -> Vec<String> {
    ingress(service)
        .into_iter()
        .filter_map(|entry| entry.ip)
        .collect()
}

fn ingress(service: &Service) -> Vec<LoadBalancerIngress> {
    let status = service
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref());
    status
        .and_then(|status| status.ingress.clone())
        .unwrap_or_default()
}

fn notes(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| format!("{:?} {:?}", event.reason, event.note);
    events.iter().map(text).collect()
}

/// The workspace's directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

async fn client(kubeconfig: &Path, account: Option<&str>) -> Result<Client, Box<dyn Error>> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.auth_info.impersonate = account.map(str::to_owned);
    config.connect_timeout = Some(Duration::from_secs(5));
    Ok(Client::try_from(config)?)
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}
