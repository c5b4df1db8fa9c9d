//! A burst of Services on a real API server: created over eight connections,
//! until each has its address, with or without a provider.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Service;
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

/// Connections that create, and that write statuses for the floor.
const CONNECTIONS: usize = 8;

/// Creates Services and waits until a watch has shown an address on each.
/// Without a provider the statuses are written bare, as soon as each exists.
pub(crate) async fn run(client: &Client, count: usize, provider: bool) -> Result<Duration> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let from = services.list(&ListParams::default().limit(1)).await?;
    let from = from
        .metadata
        .resource_version
        .context("a list without a version")?;
    let seen = tokio::spawn(addressed(services.clone(), from, count));
    let start = Instant::now();
    let each = |number| one(services.clone(), number, provider);
    stream::iter(0..count)
        .map(each)
        .buffer_unordered(CONNECTIONS)
        .try_collect::<()>()
        .await?;
    let end = seen.await??;
    Ok(end.duration_since(start))
}

/// Removes all Services of the burst.
pub(crate) async fn clean(client: &Client) -> Result<()> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let all = services.list(&ListParams::default()).await?;
    let names = all.into_iter().map(|service| service.name_any());
    let ours = names.filter(|name| name.starts_with("burst-"));
    let delete = |name: String| {
        let services = services.clone();
        async move {
            services
                .delete(&name, &DeleteParams::default())
                .await
                .map(drop)
        }
    };
    stream::iter(ours)
        .map(delete)
        .buffer_unordered(CONNECTIONS)
        .try_collect::<()>()
        .await?;
    Ok(())
}

async fn one(services: Api<Service>, number: usize, provider: bool) -> Result<()> {
    let name = format!("burst-{number}");
    let service = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}],
                 "allocateLoadBalancerNodePorts": false},
    }))?;
    services.create(&PostParams::default(), &service).await?;
    if !provider {
        let ip = format!("10.200.{}.{}", number / 256, number % 256);
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}});
        let params = PatchParams::default();
        services
            .patch_status(&name, &params, &Patch::Merge(status))
            .await?;
    }
    Ok(())
}

/// The moment at which a watch has shown an address on each of them.
async fn addressed(services: Api<Service>, mut from: String, count: usize) -> Result<Instant> {
    let mut seen = BTreeSet::new();
    loop {
        let params = WatchParams::default().timeout(290);
        let mut events = services.watch(&params, &from).await?.boxed();
        while let Some(event) = events.try_next().await? {
            if let WatchEvent::Added(service) | WatchEvent::Modified(service) = event {
                from = service.resource_version().unwrap_or(from);
                if has_address(&service) {
                    seen.insert(service.name_any());
                }
                if seen.len() == count {
                    return Ok(Instant::now());
                }
            }
        }
    }
}

fn has_address(service: &Service) -> bool {
    let status = service.status.as_ref();
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    balancer
        .and_then(|balancer| balancer.ingress.as_ref())
        .is_some_and(|ingress| !ingress.is_empty())
}
